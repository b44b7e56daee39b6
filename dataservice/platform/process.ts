/** Runs a role from start to end and decides the exit code. */
import type { Logger } from 'pino'
import type { RoleContext, Running } from './lifecycle.ts'

/** SIGTERM and SIGINT as promises: the first asks for an orderly end, the second for a quick one. */
export interface StopRequests {
  first: Promise<void>
  second: Promise<void>
}

/** What the life of a process adds to a role's context. */
export type LifeContext = Pick<RoleContext, 'signal' | 'onClose'>

export interface ProcessOptions {
  start(life: LifeContext): Promise<Running>
  stops: StopRequests
  log: Logger
  /** How long endpoints may take to learn that a pod ends. */
  drainMs: number
  /** From the first request to stop to exit 1. Default 25 s: before Kubernetes kills. */
  deadlineMs?: number
}

export interface Life {
  /** Why the pod should get no traffic, or undefined. */
  notReady(): string | undefined
  /** What the role tells of its progress; undefined while it does not run, or tells nothing. */
  progress(): string | undefined
  /** Never rejects. */
  exitCode: Promise<0 | 1>
}

/** The signals of this process. Listening keeps Node from ending at once. */
export function stopRequests(source: NodeJS.EventEmitter): StopRequests {
  const first = Promise.withResolvers<void>()
  const second = Promise.withResolvers<void>()
  let count = 0
  for (const name of ['SIGTERM', 'SIGINT']) {
    source.on(name, () => {
      count += 1
      if (count === 1) first.resolve()
      else second.resolve()
    })
  }
  return { first: first.promise, second: second.promise }
}

/** Starts the role and lives until its work is done, it fails, or a stop is asked for. */
export function live(options: ProcessOptions): Life {
  const { stops, log, deadlineMs = 25_000 } = options
  const hurry = new AbortController()
  const state: State = { phase: 'starting', running: undefined, closers: [] }
  const deadline = stops.first.then(() => pause(deadlineMs))
  const cut = Promise.race([
    stops.second.then(() => 'a second signal came'),
    deadline.then(() => 'it took too long'),
  ])
  const abrupt = cut.then(reason => {
    log.error({ phase: state.phase }, `ending at once: ${reason}`)
    hurry.abort(new Error(reason))
    return 1 as const
  })
  const orderly = lead(options, state, hurry)
  const notReady = () => (state.phase === 'running' ? state.running?.notReady() : state.phase)
  const progress = () => state.running?.progress?.()
  return { notReady, progress, exitCode: Promise.race([orderly, abrupt]) }
}

interface State {
  phase: 'starting' | 'running' | 'draining' | 'stopping'
  running: Running | undefined
  closers: { name: string; close: () => Promise<void> | void }[]
}

/** Never rejects. */
async function lead(options: ProcessOptions, state: State, hurry: AbortController): Promise<0 | 1> {
  const { start, stops, log } = options
  const onClose: LifeContext['onClose'] = (name, close) => void state.closers.unshift({ name, close })
  try {
    const started = start({ signal: hurry.signal, onClose })
    const running = await Promise.race([started, stops.first])
    if (!running) {
      hurry.abort(new Error('stopped while starting'))
      const late = await started.catch(() => undefined)
      await late?.stop()
      return 0
    }
    state.running = running
    state.phase = 'running'
    log.info('ready for work')
    await work(options, state, running, hurry.signal)
    return 0
  } catch (error) {
    log.fatal({ err: error, phase: state.phase }, 'the process failed')
    return 1
  } finally {
    state.phase = 'stopping'
    await closeAll(state, log)
    log.info('stopped')
  }
}

/** Resolves when the work is done or was stopped in order; rejects when it failed, also while it was being stopped. */
async function work(
  { stops, log, drainMs }: ProcessOptions,
  state: State,
  running: Running,
  hurry: AbortSignal,
): Promise<void> {
  const end = await Promise.race([running.done.then(() => 'done'), stops.first.then(() => 'stop')])
  if (end === 'stop' && running.behindService) {
    state.phase = 'draining'
    log.info({ drainMs }, 'waiting until the endpoints are gone')
    running.drain?.()
    await pause(drainMs, hurry)
  }
  state.phase = 'stopping'
  await running.stop()
}

async function closeAll(state: State, log: Logger): Promise<void> {
  for (const { name, close } of state.closers) {
    try {
      await close()
    } catch (error) {
      log.warn({ err: error }, `${name} did not close in order`)
    }
  }
}

/** Resolves after this time, or as soon as the signal says so. */
function pause(milliseconds: number, signal?: AbortSignal): Promise<void> {
  return new Promise(resolve => {
    const timer = setTimeout(resolve, milliseconds)
    signal?.addEventListener('abort', () => {
      clearTimeout(timer)
      resolve()
    })
  })
}
