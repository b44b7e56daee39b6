/** The program between the volume of backups and an object store, as a process of this machine. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import {
  fetchVariables,
  type MirrorSettings,
  mirrorSettingsFile,
  storeKeys,
} from '#dataservice/contract/mirror.ts'
import { mounts, probePaths } from '#dataservice/contract/names.ts'
import { freePort } from '#e2e/engines/ports.ts'
import { root } from '#tools/workspace.ts'

export interface MirrorWish {
  settings: MirrorSettings
  keys: { id: string; secret: string }
  /** Folder of the volume of backups. */
  volume: string
  /** PEM of the authority of the store. */
  authority?: string
}

export interface MirrorProcess {
  /** What `/readyz` says; `ready` when it is. */
  readyz(): Promise<string>
  metrics(): Promise<string>
  /** Resolves when it has ended. */
  end(signal: NodeJS.Signals): Promise<void>
}

interface Run {
  child: ReturnType<typeof spawn>
  ended: Promise<unknown>
  said: () => string
}

async function started(
  task: string,
  { settings, keys, volume, authority }: MirrorWish,
  more: Record<string, string>,
): Promise<Run> {
  const folder = await mkdtemp(join(tmpdir(), 'dataservice-mirror-'))
  await writeFile(join(folder, mirrorSettingsFile), JSON.stringify(settings))
  await writeFile(join(folder, storeKeys.id), `${keys.id}\n`)
  await writeFile(join(folder, storeKeys.secret), `${keys.secret}\n`)
  if (authority !== undefined) await writeFile(join(folder, 'ca.crt'), authority)
  const program = [process.execPath, join(root, 'dataservice/mirror/main.ts'), task]
  const child = spawn('setpriv', ['--pdeathsig', 'KILL', ...program], {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: {
      ...process.env,
      [mounts.mirrorSettings.variable]: join(folder, mirrorSettingsFile),
      [mounts.backups.variable]: volume,
      [mounts.storeAccess.variable]: folder,
      [mounts.storeAuthority.variable]: join(folder, 'ca.crt'),
      ...more,
    },
  })
  let text = ''
  for (const stream of [child.stdout, child.stderr])
    stream?.setEncoding('utf8').on('data', (piece: string) => {
      text += piece
    })
  const ended = once(child, 'exit').finally(() => rm(folder, { recursive: true, force: true }))
  return { child, ended, said: () => text }
}

export async function startMirror(wish: MirrorWish): Promise<MirrorProcess> {
  const port = await freePort()
  const { child, ended } = await started('upload', wish, { DATASERVICE_TELEMETRY_PORT: String(port) })
  const ask = async (path: string): Promise<string> => {
    const answer = await fetch(`http://127.0.0.1:${port}${path}`).catch(() => undefined)
    return ((await answer?.text()) ?? 'nobody listens').trim()
  }
  return {
    readyz: () => ask(probePaths.ready),
    metrics: () => ask(probePaths.metrics),
    async end(signal) {
      child.kill(signal)
      await ended
    },
  }
}

/** Runs to its end. */
export async function fetchBackups(
  wish: MirrorWish,
  { time = '', backup = '' }: { time?: string; backup?: string } = {},
): Promise<{ exitCode: number | null; said: string }> {
  const run = await started('fetch', wish, { [fetchVariables.time]: time, [fetchVariables.backup]: backup })
  await run.ended
  return { exitCode: run.child.exitCode, said: run.said() }
}
