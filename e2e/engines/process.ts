/**
 * One engine as a plain process on this machine: it sees a root folder of its own, read-only as in a pod,
 * and shares the network. Its mounts and shared memory live in namespaces that end with it,
 * and it ends with the process that started it, however that ends.
 */
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { closeSync, openSync } from 'node:fs'
import { open, readFile, stat } from 'node:fs/promises'
import { setTimeout as delay } from 'node:timers/promises'

/** A program inside a root folder. */
export interface ChrootCommand {
  /** The root folder on this machine; it is not written to. */
  root: string
  /** Numeric user and group. */
  userId: number
  /** A folder of this machine and where the program sees it, writable. */
  data: { folder: string; seenAs: string }
  environment: Readonly<Record<string, string>>
  /** It is process 1 of those that it begins, as in a container; the one that is started is its parent. */
  isFirst?: boolean
  program: readonly [string, ...string[]]
}

export interface EngineSettings {
  /** Shown in errors, for example `kafka-0`. */
  name: string
  command: ChrootCommand
  logFile: string
  /** The text in the log that says it serves. */
  readyText: string
  /** The signal that makes it end in good order. */
  stopSignal: 'SIGTERM' | 'SIGINT'
}

/** Start, kill and stop one process; it can be started again after it ended. */
export interface EngineProcess {
  /** Undefined while it does not run. */
  readonly pid: number | undefined
  /** Resolves when it serves; rejects with the end of its log when it ends before, or after three minutes. */
  start(): Promise<void>
  /** Sends a signal. After a signal that ends processes it resolves when the process is gone. */
  kill(signal: NodeJS.Signals): Promise<void>
  /** Ends it in good order and resolves when it is gone; kills it after half a minute. */
  stop(): Promise<void>
}

const startLimitMs = 180_000
const stopLimitMs = 30_000
const pollMs = 20
const suspending: ReadonlySet<NodeJS.Signals> = new Set([
  'SIGSTOP',
  'SIGCONT',
  'SIGHUP',
  'SIGUSR1',
  'SIGUSR2',
])

/** $1 root, $2 data folder, $3 where it is seen, $4 user; the rest is `env` arguments and the program. */
const mountAndRun = `mount --bind "$1" "$1"
mount --bind "$2" "$1$3"
mount -t proc proc "$1/proc"
mount --rbind /dev "$1/dev"
for folder in dev/shm tmp run; do mount -t tmpfs -o mode=1777 tmpfs "$1/$folder"; done
mount -o remount,bind,ro "$1"
root=$1; user=$4; shift 4
exec chroot "$root" setpriv --reuid "$user" --regid "$user" --clear-groups --no-new-privs --pdeathsig KILL env -i "$@"`

/** The program and arguments that run a command inside its root folder; the process keeps its id all the way, unless it is the first one. */
export function chrootArguments(command: ChrootCommand): { program: string; args: string[] } {
  const { root, userId, data, environment } = command
  const variables = Object.entries(environment).map(([name, value]) => `${name}=${value}`)
  const shell = ['sh', '-euc', mountAndRun, 'sh', root, data.folder, data.seenAs, String(userId)]
  const first = command.isFirst ? ['--pid', '--fork', '--kill-child'] : []
  const isolation = ['--mount', '--ipc', ...first, '--propagation', 'private']
  return { program: 'unshare', args: [...isolation, ...shell, ...variables, ...command.program] }
}

/** Describes the process; `start()` starts it. */
export function engineProcess(settings: EngineSettings): EngineProcess {
  let child: ChildProcess | undefined
  return {
    get pid() {
      return isRunning(child) ? child?.pid : undefined
    },
    async start() {
      if (isRunning(child)) throw new Error(`${settings.name} runs already (process ${child?.pid})`)
      const logStart = await sizeOf(settings.logFile)
      child = spawnLogged(settings)
      await untilReady(child, settings, logStart)
    },
    async kill(signal) {
      if (!isRunning(child)) throw new Error(`${settings.name} does not run; its log: ${settings.logFile}`)
      child.kill(signal)
      if (!suspending.has(signal)) await untilGone(child)
    },
    async stop() {
      if (!isRunning(child)) return
      child.kill('SIGCONT') // a suspended process would not see the next signal
      child.kill(settings.stopSignal)
      const deadline = setTimeout(() => child?.kill('SIGKILL'), stopLimitMs)
      await untilGone(child)
      clearTimeout(deadline)
    },
  }
}

function isRunning(child: ChildProcess | undefined): child is ChildProcess {
  return child?.pid !== undefined && child.exitCode === null && child.signalCode === null
}

async function untilGone(child: ChildProcess): Promise<void> {
  if (isRunning(child)) await once(child, 'exit')
}

function spawnLogged(settings: EngineSettings): ChildProcess {
  const { program, args } = chrootArguments(settings.command)
  const log = openSync(settings.logFile, 'a')
  const child = spawn(program, args, { stdio: ['ignore', log, log] })
  closeSync(log)
  child.on('error', () => {}) // seen by untilReady, as a process without an id
  return child
}

async function untilReady(child: ChildProcess, settings: EngineSettings, logStart: number): Promise<void> {
  const deadline = Date.now() + startLimitMs
  for (;;) {
    const log = await textFrom(settings.logFile, logStart)
    if (log.includes(settings.readyText)) return
    if (!isRunning(child)) throw await failure('ended before it was ready', settings)
    if (Date.now() > deadline) {
      child.kill('SIGKILL')
      throw await failure(`was not ready after ${startLimitMs / 1000} s`, settings)
    }
    await delay(pollMs)
  }
}

async function failure(what: string, { name, logFile }: EngineSettings): Promise<Error> {
  const lines = (await readFile(logFile, 'utf8')).trimEnd().split('\n').slice(-20)
  return new Error(`${name} ${what}; its log ${logFile} ends with:\n${lines.join('\n')}`)
}

async function sizeOf(file: string): Promise<number> {
  return stat(file).then(
    found => found.size,
    () => 0,
  )
}

async function textFrom(file: string, start: number): Promise<string> {
  await using handle = await open(file, 'r')
  const { size } = await handle.stat()
  const buffer = Buffer.alloc(Math.max(0, size - start))
  await handle.read(buffer, 0, buffer.length, start)
  return buffer.toString('utf8')
}
