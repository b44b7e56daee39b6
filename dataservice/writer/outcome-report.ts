/** What became of the records of each batch: counted, and what was not stored named in the log. */
import type { Logger } from 'pino'
import type { CommitResult } from './commit.ts'
import type { WriterMetrics } from './metrics.ts'

type Stored = Extract<CommitResult, { kind: 'stored' }>

/** Lines that are written within one minute; the next line after that tells how many were left out. */
const linesPerMinute = 20
const minuteMs = 60_000

const sentences = {
  expired: 'a record is outside the time that is kept',
  future: 'a record is outside the time that is kept',
  'id-conflict': 'the id of a record is taken by another one, which stays; send the record under another id',
} as const
type Unstored = keyof typeof sentences

export interface OutcomeReportOptions {
  metrics: Pick<WriterMetrics, 'commitSeconds' | 'batchRecords' | 'records'>
  log: Pick<Logger, 'warn'>
  clock: { now(): number }
}

export class OutcomeReport {
  readonly #options: OutcomeReportOptions
  #minute = 0
  #lines = 0
  #leftOut = 0

  constructor(options: OutcomeReportOptions) {
    this.#options = options
  }

  /** `seconds`: how long the batch took. */
  report(
    partition: number,
    { stored, duplicates, conflicts, expired, future }: Stored,
    seconds: number,
  ): void {
    const { metrics } = this.#options
    const unstored = { 'id-conflict': conflicts, expired, future }
    const counts = {
      stored,
      duplicate: duplicates,
      'id-conflict': conflicts.length,
      expired: expired.length,
      future: future.length,
    }
    metrics.commitSeconds.observe(seconds)
    metrics.batchRecords.observe(Object.values(counts).reduce((sum, count) => sum + count, 0))
    for (const [outcome, count] of Object.entries(counts))
      if (count > 0) metrics.records.inc({ outcome }, count)
    for (const outcome of ['id-conflict', 'expired', 'future'] as const)
      for (const { id, offset } of unstored[outcome])
        this.#tell(outcome, { partition, id, offset: String(offset) })
  }

  #tell(outcome: Unstored, place: { partition: number; id: string; offset: string }): void {
    const { clock, log } = this.#options
    const minute = Math.floor(clock.now() / minuteMs)
    if (minute !== this.#minute) {
      this.#minute = minute
      this.#lines = 0
    }
    if (this.#lines === linesPerMinute) {
      this.#leftOut += 1
      return
    }
    this.#lines += 1
    const leftOut = this.#leftOut > 0 ? { leftOutBefore: this.#leftOut } : {}
    this.#leftOut = 0
    log.warn({ ...place, outcome, ...leftOut }, sentences[outcome])
  }
}
