/** A real Redis for tests. */
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { engines } from '#e2e/images/recipes.ts'
import { engineRoot } from '#e2e/images/root-folder.ts'
import { engineFolder } from './folder.ts'
import { freePort } from './ports.ts'
import { type EngineProcess, engineProcess } from './process.ts'
import { copyCertificates } from './tls-files.ts'

export interface Redis extends EngineProcess {
  host: string
  port: number
  logFile: string
  /** Ends it for good and removes its data. */
  remove(): Promise<void>
}

export interface RedisOptions {
  /** Keeps what was written over a restart. Default false: it is a cache, and a restart empties it. */
  keepsData?: boolean
  /** With TLS alone, by the certificate `server.crt`, its `server.key` and `ca.crt` of this folder. */
  tlsFrom?: string
  /** Of clients, too: they show a certificate of the same authority. Default false. */
  asksForCertificates?: boolean
  /** Users as a configuration names them (`orders on >secret ~* +@all`). */
  users?: readonly string[]
}

const recipe = engines.redis

/** Starts a Redis of its own on a free port of 127.0.0.1. */
export async function startRedis(options: RedisOptions = {}): Promise<Redis> {
  const { keepsData = false, tlsFrom, asksForCertificates = false, users = [] } = options
  const root = await engineRoot('redis')
  const folder = await engineFolder()
  const data = { folder: await folder.own('data', recipe.user.id), seenAs: recipe.dataFolder }
  const port = await freePort()
  const plain = ['--port', String(port)]
  const encrypted = tlsFrom === undefined ? undefined : await tlsArguments(tlsFrom, data.folder, port)
  const network = [
    '--bind',
    '127.0.0.1',
    ...(encrypted ?? plain),
    ...(encrypted ? ['--tls-auth-clients', asksForCertificates ? 'yes' : 'no'] : []),
    ...(await userArguments(users, data.folder)),
  ]
  const storage = ['--dir', recipe.dataFolder, '--save', '', '--appendonly', keepsData ? 'yes' : 'no']
  const logFile = join(folder.path, 'redis.log')
  const engine = engineProcess({
    name: 'redis',
    command: {
      root: root.path,
      userId: recipe.user.id,
      data,
      environment: recipe.environment,
      program: ['redis-server', ...network, ...storage],
    },
    logFile,
    readyText: 'Ready to accept connections',
    stopSignal: 'SIGTERM',
  })
  await engine.start()
  return Object.assign(engine, {
    host: '127.0.0.1',
    port,
    logFile,
    async remove() {
      await engine.stop()
      await folder.remove()
    },
  })
}

async function tlsArguments(from: string, dataFolder: string, port: number): Promise<string[]> {
  await copyCertificates(from, dataFolder, recipe.user.id, ['ca.crt', 'server.crt', 'server.key'])
  const file = (name: string): string => join(recipe.dataFolder, name)
  return [
    ...['--port', '0', '--tls-port', String(port)],
    ...['--tls-ca-cert-file', file('ca.crt')],
    ...['--tls-cert-file', file('server.crt'), '--tls-key-file', file('server.key')],
  ]
}

/** In a file: on the command line a user has but one word. */
async function userArguments(users: readonly string[], dataFolder: string): Promise<string[]> {
  if (users.length === 0) return []
  const name = 'users.conf'
  await writeFile(join(dataFolder, name), users.map(user => `user ${user}\n`).join(''))
  return ['--include', join(recipe.dataFolder, name)]
}
