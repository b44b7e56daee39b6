/**
 * Keeps retention from eating accepted records: when the writers are so far behind that the log may soon drop what
 * they have not read, nothing more is accepted. What is not known refuses nobody.
 */
import type { Logger } from 'pino'
import { Gauge, type Registry } from 'prom-client'
import type { LogLag } from '#dataservice/platform/kafka/port.ts'

/** Of the retention: from this age of the oldest unread record on, nothing is accepted. */
export const fullShare = 0.8
/** An age below this share of the retention is not worth a question for the exact one. */
const worthAsking = 0.05
const longestPauseMs = 10_000
/** An answer older than this says nothing any more. */
const validMs = 60_000

export interface LogGuard {
  /** True while nothing should be accepted. */
  isFull(): boolean
  stop(): void
}

export interface LogGuardOptions {
  lag: Pick<LogLag, 'oldestUnread'>
  retentionMs: number
  metrics: Registry
  log: Logger
  now(): number
}

/** Looks at once, then again and again. */
export function startLogGuard(options: LogGuardOptions): LogGuard {
  const { lag, retentionMs, metrics, log, now } = options
  let seen: { at: number; ageMs: number } | undefined
  let wasFull = false
  const ageMs = (): number | undefined =>
    seen !== undefined && now() - seen.at <= validMs ? seen.ageMs : undefined
  const isFull = () => (ageMs() ?? 0) >= retentionMs * fullShare
  new Gauge({
    name: 'dataservice_log_lag_age_seconds',
    help: 'Age of the oldest record in the log that is not stored yet; 0 below a twentieth of the retention.',
    registers: [metrics],
    collect() {
      const age = ageMs()
      if (age === undefined) this.reset()
      else this.set(age / 1000)
    },
  })
  new Gauge({
    name: 'dataservice_log_retention_seconds',
    help: 'How long the log keeps a record.',
    registers: [metrics],
  }).set(retentionMs / 1000)
  const look = async () => {
    const oldest = await lag.oldestUnread(now() - retentionMs * worthAsking)
    seen = { at: now(), ageMs: oldest === undefined ? 0 : Math.max(0, now() - oldest) }
    if (isFull() !== wasFull) {
      wasFull = !wasFull
      log.warn(
        { ageMs: seen.ageMs, retentionMs },
        wasFull ? 'the log is full: records are refused' : 'the log has room again',
      )
    }
  }
  const looking = repeat(look, Math.min(longestPauseMs, retentionMs / 40), cause =>
    log.warn({ reason: String(cause) }, 'the age of what is not stored is unknown'),
  )
  return { isFull, stop: looking.stop }
}

/** One round at a time, the next one a while after the last has ended. */
function repeat(work: () => Promise<void>, pauseMs: number, failed: (cause: unknown) => void) {
  let timer: NodeJS.Timeout | undefined
  let isStopped = false
  const round = () => {
    work()
      .catch(failed)
      .finally(() => {
        if (!isStopped) timer = setTimeout(round, pauseMs).unref()
      })
  }
  round()
  return {
    stop() {
      isStopped = true
      clearTimeout(timer)
    },
  }
}
