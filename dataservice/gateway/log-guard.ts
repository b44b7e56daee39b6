/**
 * Keeps retention from eating accepted records: when the writers are so far behind that the log may soon drop what
 * they have not read, or a broker's disk is nearly full, nothing more is accepted. What is not known refuses nobody.
 */
import type { Logger } from 'pino'
import { Gauge, type Registry } from 'prom-client'
import { type BrokerDisk, fullDisk, fullShare, usedShare } from '#dataservice/contract/log-room.ts'
import type { LogLag } from '#dataservice/platform/kafka/port.ts'
import { repeat } from '#dataservice/platform/repeat.ts'

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
  lag: Pick<LogLag, 'oldestUnread' | 'disks'>
  retentionMs: number
  metrics: Registry
  log: Logger
  now(): number
}

interface Seen {
  at: number
  ageMs: number
  disks: readonly BrokerDisk[]
}

/** Looks at once, then again and again. */
export function startLogGuard(options: LogGuardOptions): LogGuard {
  const { lag, retentionMs, metrics, log, now } = options
  let seen: Seen | undefined
  let wasFull = false
  const valid = (): Seen | undefined => (seen !== undefined && now() - seen.at <= validMs ? seen : undefined)
  const isFull = () => {
    const { ageMs = 0, disks = [] } = valid() ?? {}
    return ageMs >= retentionMs * fullShare || fullDisk(disks) !== undefined
  }
  measure({ metrics, retentionMs, valid })
  const look = async () => {
    const before = now() - retentionMs * worthAsking
    const [oldest, disks] = await Promise.all([lag.oldestUnread(before), lag.disks()])
    seen = { at: now(), ageMs: oldest === undefined ? 0 : Math.max(0, now() - oldest), disks }
    if (isFull() !== wasFull) {
      wasFull = !wasFull
      log.warn(
        { ageMs: seen.ageMs, retentionMs, disks: seen.disks },
        wasFull ? 'the log is full: records are refused' : 'the log has room again',
      )
    }
  }
  const looking = repeat(look, Math.min(longestPauseMs, retentionMs / 40), cause =>
    log.warn({ reason: String(cause) }, 'the age of what is not stored is unknown'),
  )
  return { isFull, stop: looking.stop }
}

interface Measured extends Pick<LogGuardOptions, 'metrics' | 'retentionMs'> {
  valid(): Seen | undefined
}

/** What is not known has no value. */
function measure({ metrics, retentionMs, valid }: Measured): void {
  const registers = [metrics]
  new Gauge({
    name: 'dataservice_log_lag_age_seconds',
    help: 'Age of the oldest record in the log that is not stored yet; 0 below a twentieth of the retention.',
    registers,
    collect() {
      const seen = valid()
      if (seen === undefined) this.reset()
      else this.set(seen.ageMs / 1000)
    },
  })
  new Gauge({
    name: 'dataservice_log_disk_used_ratio',
    help: 'How full the disk under the log of a broker is, from 0 to 1.',
    labelNames: ['broker'],
    registers,
    collect() {
      this.reset()
      for (const disk of valid()?.disks ?? []) this.set({ broker: disk.broker }, usedShare(disk))
    },
  })
  new Gauge({
    name: 'dataservice_log_retention_seconds',
    help: 'How long the log keeps a record.',
    registers,
  }).set(retentionMs / 1000)
}
