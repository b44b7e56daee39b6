/**
 * Long-living programs: started detached with a log and a pid file, and known again later.
 *
 * A pid file holds the pid and the start time of the process, so a pid that the kernel gave to
 * somebody else in the meantime is never taken for ours, nor killed.
 */
import { spawn } from 'node:child_process'
import {
  closeSync,
  existsSync,
  mkdirSync,
  openSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs'
import { dirname, join } from 'node:path'
import { run } from '#tools/shell.ts'
import { until } from './waiting.ts'

export interface ProcessSpec {
  name: string
  argv: readonly [string, ...string[]]
  log: string
  pidFile: string
  /** `cgroup.procs` files the process enters before it becomes the program; what it starts follows it. */
  cgroupFiles?: readonly string[]
  /** Enters the namespaces of this process first. */
  namespacesOf?: number
  env?: Readonly<Record<string, string>>
}

export interface Identity {
  pid: number
  /** Clock ticks from boot to the process's start, as in /proc/PID/stat. */
  startTime: string
}

/** PURE: state letter and start time out of a /proc/PID/stat line. The name in it may contain anything. */
export function parseStat(line: string): { state: string; startTime: string } | undefined {
  const fields = line.slice(line.lastIndexOf(')') + 2).split(' ')
  const [state, startTime] = [fields[0], fields[19]]
  return state && startTime ? { state, startTime } : undefined
}

/** The identity in a pid file, when that very process is still running. */
export function runningProcess(pidFile: string): Identity | undefined {
  if (!existsSync(pidFile)) return undefined
  const [pid, startTime] = readFileSync(pidFile, 'utf8').trim().split(' ')
  if (!pid || !startTime) return undefined
  const identity = { pid: Number(pid), startTime }
  return isRunning(identity) ? identity : undefined
}

/** Starts the program unless it is running already; answers its identity. Rejects when it ends at once. */
export async function ensureRunning(spec: ProcessSpec): Promise<Identity> {
  return runningProcess(spec.pidFile) ?? (await start(spec))
}

async function start(spec: ProcessSpec): Promise<Identity> {
  for (const file of [spec.log, spec.pidFile]) mkdirSync(dirname(file), { recursive: true })
  const [program, ...args] = launcher(spec)
  const log = openSync(spec.log, 'a')
  const child = spawn(program, args, {
    detached: true,
    cwd: '/',
    stdio: ['ignore', log, log],
    env: { ...process.env, ...spec.env },
  })
  closeSync(log)
  await new Promise((resolve, reject) => child.once('spawn', resolve).once('error', reject)).catch(cause => {
    throw new Error(`${spec.name} could not be started: ${program}`, { cause })
  })
  child.unref()
  const pid = child.pid
  const stat = pid === undefined ? undefined : readStat(pid)
  if (pid === undefined || !stat) throw new Error(`${spec.name} ended at once; its log: ${spec.log}`)
  writeFileSync(spec.pidFile, `${pid} ${stat.startTime}\n`)
  return { pid, startTime: stat.startTime }
}

/** The program behind the steps that put it into its cgroups and namespaces; each `exec` keeps the pid. */
function launcher(spec: ProcessSpec): readonly [string, ...string[]] {
  const inside =
    spec.namespacesOf === undefined ? spec.argv : ([...enter(spec.namespacesOf), ...spec.argv] as const)
  if (!spec.cgroupFiles?.length) return inside
  const script =
    'while [ "$1" != -- ]; do echo $$ > "$1" || exit 1; shift; done; shift; ulimit -n 1048576 2>/dev/null; exec "$@"'
  return ['sh', '-c', script, 'sh', ...spec.cgroupFiles, '--', ...inside]
}

/** The command that runs what follows it in the mount, network and host name namespaces of a process. */
export function enter(pid: number): readonly [string, ...string[]] {
  return ['nsenter', `--target=${pid}`, '--mount', '--net', '--uts', '--']
}

export interface StopOptions {
  signal?: NodeJS.Signals
  /** After this the process is killed. */
  patienceMs?: number
}

/** Ends the process of a pid file and waits until it is gone. Nothing happens when it is not running. */
export async function stop(pidFile: string, { signal = 'SIGTERM', patienceMs = 10_000 }: StopOptions = {}) {
  const identity = runningProcess(pidFile)
  if (identity) {
    sendSignal(identity, signal)
    const ended = await until(() => !isRunning(identity), { timeoutMs: patienceMs, everyMs: 50 })
    if (!ended) {
      sendSignal(identity, 'SIGKILL')
      await until(() => !isRunning(identity), { timeoutMs: 5_000, everyMs: 20 })
    }
  }
  rmSync(pidFile, { force: true })
}

/** Kills every process of a cgroup and of those below it; answers how many were left alive, 0 as a rule. */
export async function killCgroup(folder: string, timeoutMs = 10_000): Promise<number> {
  await until(
    async () => {
      const pids = await processesIn(folder)
      for (const pid of pids) sendSignal({ pid }, 'SIGKILL')
      return pids.length === 0
    },
    { timeoutMs, everyMs: 50 },
  )
  return (await processesIn(folder)).length
}

/** The pids in a cgroup and in those below it. Zombies do not count: they hold nothing. */
export async function processesIn(folder: string): Promise<number[]> {
  if (!existsSync(folder)) return []
  const files = (await run('find', [folder, '-name', 'cgroup.procs'])).trim().split('\n')
  const pids = files.flatMap(file => readIfThere(file).split('\n').filter(Boolean).map(Number))
  return pids.filter(pid => isAlive(readStat(pid)?.state))
}

/** The command line of a process, for messages. */
export function commandLine(pid: number): string {
  return readIfThere(`/proc/${pid}/cmdline`).replaceAll('\0', ' ').trim().slice(0, 120)
}

/** When the process of a pid file was started, in milliseconds; it may have ended since. */
export function startTime(pidFile: string): number {
  return statSync(pidFile).mtimeMs
}

export function pidFileOf(runFolder: string, name: string): string {
  return join(runFolder, 'pids', `${name}.pid`)
}

/** True while that very process runs. */
export function isRunning({ pid, startTime }: Identity): boolean {
  const stat = readStat(pid)
  return stat?.startTime === startTime && isAlive(stat.state)
}

function isAlive(state: string | undefined): boolean {
  return state !== undefined && state !== 'Z' && state !== 'X'
}

function readStat(pid: number): ReturnType<typeof parseStat> {
  return parseStat(readIfThere(`/proc/${pid}/stat`))
}

function readIfThere(file: string): string {
  try {
    return readFileSync(file, 'utf8')
  } catch {
    return '' // gone between the look and the read
  }
}

/** The identity of a process that runs now. */
export function identify(pid: number): Identity | undefined {
  const stat = readStat(pid)
  return stat && isAlive(stat.state) ? { pid, startTime: stat.startTime } : undefined
}

/** Kills these very processes and waits until they are gone, as long as that may take. */
export async function killAll(identities: readonly Identity[], timeoutMs = 5_000): Promise<void> {
  for (const identity of identities.filter(isRunning)) sendSignal(identity, 'SIGKILL')
  await until(() => !identities.some(isRunning), { timeoutMs, everyMs: 20 })
}

function sendSignal({ pid }: Pick<Identity, 'pid'>, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal)
  } catch {
    // it ended by itself in the meantime
  }
}
