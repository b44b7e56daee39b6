/** What a mirror is told by its arguments and its environment; the files that it reads move for processes outside a pod. Pure. */
import { hostname } from 'node:os'
import { fetchVariables } from '#dataservice/contract/mirror.ts'
import { mounts, ports } from '#dataservice/contract/names.ts'
import type { Wish } from './needed.ts'

const tasks = ['upload', 'fetch'] as const

export interface MirrorEnvironment {
  task: (typeof tasks)[number]
  settingsPath: string
  volumePath: string
  accessPath: string
  authorityPath: string
  /** Of `fetch`. */
  wish: Wish
  telemetryPort: number
  podName: string
  logLevel: string
}

/** Throws an Error that names what is wrong. */
export function readMirrorEnvironment(
  args: readonly string[],
  env: Readonly<Record<string, string | undefined>>,
): MirrorEnvironment {
  const task = tasks.find(each => each === args[0])
  if (task === undefined) throw new Error(`the first argument must be one of ${tasks.join(', ')}`)
  const at = ({ variable, path }: { variable: string; path: string }): string => env[variable] ?? path
  const { [fetchVariables.time]: time = '', [fetchVariables.backup]: backup = '' } = env
  return {
    task,
    settingsPath: at(mounts.mirrorSettings),
    volumePath: at(mounts.backups),
    accessPath: at(mounts.storeAccess),
    authorityPath: at(mounts.storeAuthority),
    wish: {
      ...(time !== '' && { at: Math.floor(Date.parse(time) / 1000) }),
      ...(backup !== '' && { backup }),
    },
    telemetryPort: Number(env['DATASERVICE_TELEMETRY_PORT'] ?? ports.telemetry),
    podName: env['HOSTNAME'] ?? hostname(),
    logLevel: env['DATASERVICE_LOG_LEVEL'] ?? 'info',
  }
}
