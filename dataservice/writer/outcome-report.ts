/** What became of the records of each batch: counted, and what was not stored named in the log. */
import type { Logger } from 'pino'
import type { CommitResult } from './commit.ts'
import { recordIdOf } from './decode.ts'
import type { WriterMetrics } from './metrics.ts'
import type { RowOutcome, Unstored } from './outcomes.ts'

type Stored = Extract<CommitResult, { kind: 'stored' }>

/** Lines that are written within one minute; the next line after that tells how many were left out. */
const linesPerMinute = 20
const minuteMs = 60_000

/** What is worth a line; a duplicate is not. */
const sentences: Readonly<Partial<Record<Unstored, string>>> = {
  expired: 'a record is outside the time that is kept',
  future: 'a record is outside the time that is kept',
  'id-conflict': 'the id of a record is taken by another one, which stays; send the record under another id',
  invalid: 'the patch of a record would make it invalid; the record stays as it is',
  refused:
    'the database does not take a record; it stands in the table dead_letters and in the topic of dead letters',
}

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
  report(partition: number, { records, stored, outcomes }: Stored, seconds: number): void {
    const { metrics } = this.#options
    metrics.commitSeconds.observe(seconds)
    metrics.batchRecords.observe(records)
    const counts = new Map<string, number>([
      ['stored', stored],
      // A record that its own event stored earlier has no outcome of its own.
      ['duplicate', records - stored - outcomes.length],
    ])
    for (const { outcome } of outcomes) counts.set(outcome, (counts.get(outcome) ?? 0) + 1)
    for (const [outcome, count] of counts) if (count > 0) metrics.records.inc({ outcome }, count)
    for (const outcome of outcomes) this.#tell(partition, outcome)
  }

  #tell(partition: number, { row, outcome, winner, sqlState, reason }: RowOutcome): void {
    const sentence = sentences[outcome]
    if (sentence === undefined) return
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
    const { offset, record } = row
    const id = winner ?? recordIdOf(record)
    // The database's own words may name values of the record, which no log may hold.
    const why = sqlState === undefined ? { reason } : { sqlState }
    log.warn({ partition, id, offset: String(offset), outcome, ...why, ...leftOut }, sentence)
  }
}
