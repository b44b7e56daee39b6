/** A real S3 server for tests: the Versity gateway before a folder. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdir } from 'node:fs/promises'
import { connect } from 'node:net'
import { join } from 'node:path'
import { ensureBuilt } from '#e2e/cluster/binaries.ts'
import { waitFor } from '#e2e/cluster/waiting.ts'
import { root } from '#tools/workspace.ts'
import { engineFolder } from './folder.ts'
import { freePort } from './ports.ts'

export interface S3Server {
  endpoint: string
  bucket: string
  region: string
  /** What the bucket holds stands here, a file for each object. */
  folder: string
  keys: { id: string; secret: string }
  start(): Promise<void>
  stop(): Promise<void>
  /** Ends it for good and removes its data. */
  remove(): Promise<void>
}

export interface S3Options {
  /** Files of a certificate and its key; default: not encrypted. */
  tls?: { certificate: string; key: string }
}

const source = join(root, 'e2e/engines/versitygw')
const gateway = {
  version: '1.8.0',
  programs: { versitygw: 'github.com/versity/versitygw/cmd/versitygw' },
}
const bucket = 'backups'
const region = 'eu-central-1'
const keys = { id: 'AKIATEST', secret: 'of-the-store' }

/** Starts one on a free port of 127.0.0.1, with an empty bucket. */
export async function startS3({ tls }: S3Options = {}): Promise<S3Server> {
  const program = join(await ensureBuilt('versitygw', gateway, source), 'versitygw')
  const folder = await engineFolder()
  const data = join(folder.path, 'data')
  await mkdir(join(data, bucket), { recursive: true })
  const port = await freePort()
  const endpoint = `${tls ? 'https' : 'http'}://127.0.0.1:${port}`
  const flags = ['--quiet', '--region', region, '--port', `127.0.0.1:${port}`]
  const encrypted = tls === undefined ? [] : ['--cert', tls.certificate, '--key', tls.key]
  const args = ['--pdeathsig', 'KILL', '--', program, ...flags, ...encrypted, 'posix', data]
  const env = { PATH: process.env['PATH'], ROOT_ACCESS_KEY_ID: keys.id, ROOT_SECRET_ACCESS_KEY: keys.secret }
  let child: ReturnType<typeof spawn> | undefined
  const stop = async () => {
    if (child === undefined) return
    const ended = once(child, 'exit')
    child.kill('SIGKILL')
    await ended
    child = undefined
  }
  const start = async () => {
    child = spawn('setpriv', args, { stdio: 'ignore', env })
    const what = 'the S3 server to answer'
    await waitFor(() => listens(port), { what, timeoutMs: 30_000, everyMs: 50, logs: [] })
  }
  await start()
  const remove = async () => {
    await stop()
    await folder.remove()
  }
  return { endpoint, bucket, region, folder: join(data, bucket), keys, start, stop, remove }
}

async function listens(port: number): Promise<boolean> {
  const socket = connect(port, '127.0.0.1')
  const answer = await Promise.race([
    once(socket, 'connect').then(() => true),
    once(socket, 'error').then(() => false),
  ]).catch(() => false)
  socket.destroy()
  return answer
}
