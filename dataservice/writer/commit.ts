/** Takes one batch of one partition into the database, however often that must be tried. */
import type { Stop } from '#dataservice/contract/writer-stops.ts'
import { DatabaseFailure } from '#dataservice/platform/postgres/failure.ts'
import {
  type Interval,
  intervalStart,
  type PartitionAnswer,
} from '#dataservice/platform/postgres/partitions.ts'
import { type FailureVerdict, judgeFailure, judgeFence, type Path, type Position } from './decisions.ts'
import { type LogRow, type NewRow, storableText } from './decode.ts'
import { type Holding, withoutHeld } from './holding.ts'
import { type RowOutcome, readable } from './outcomes.ts'
import type { Advance, Place } from './statements.ts'
import type { Batch, IngestStore } from './store.ts'

export type CommitResult =
  | {
      kind: 'stored'
      position: Position
      /** Records whose offset was passed. */
      records: number
      stored: number
      /** What is not stored as it was sent. A record of an event that is stored already has none. */
      outcomes: readonly RowOutcome[]
      /** A row stood there already. */
      violated: boolean
    }
  /** An earlier try had gone through, or a claim of ours took effect late: go on from this position. */
  | { kind: 'moved'; position: Position }
  | { kind: 'lost' }
  | { kind: 'reclaim' }
  | { kind: 'stopped'; stop: Stop }
  /** Nothing was written, for it would be too much at once: the first `rows` of them go together. */
  | { kind: 'fewer'; rows: number }
  /** Nothing was written, or nobody knows: try again later, with fewer rows when `smaller`. */
  | { kind: 'failed'; failure: DatabaseFailure; smaller: boolean }

export interface CommitOptions {
  store: IngestStore
  place: Place
  position: Position
  /** In log order, at least one. */
  rows: readonly LogRow[]
  path: Path
  /** Of partitions by time; absent where all partitions were made at once. */
  interval: Interval | undefined
  /** Asked before each batch; may reject with a `DatabaseFailure`. */
  holding(): Promise<Holding>
  /** The rows were put aside before: the position stays where it is (`Batch.released`). */
  released?: Batch['released']
}

/**
 * One try with all that belongs to it: the tolerant path after a duplicate, partitions made when they are missing,
 * refused rows found and put aside.
 */
export async function commit(options: CommitOptions): Promise<CommitResult> {
  try {
    return await new Attempt(options, await options.holding()).run()
  } catch (error) {
    if (!(error instanceof DatabaseFailure)) throw error
    return { kind: 'failed', failure: error, smaller: false }
  }
}

/** Rounds that one try may need: duplicate, missing partition, refused row, and each once more. */
const maxRounds = 6

class Attempt {
  readonly #options: CommitOptions
  /** Records that are passed without a row. */
  readonly #passed: RowOutcome[]
  /** Rows whose key is held. */
  readonly #held: readonly LogRow[]
  readonly #holdsKeys: boolean
  #rows: readonly NewRow[]
  #path: Path
  #violated = false

  constructor(options: CommitOptions, holding: Holding) {
    const { free, held } = withoutHeld(options.rows, holding)
    const { rows, refused } = readable(free)
    this.#options = options
    this.#held = held
    this.#holdsKeys = holding.isOn
    this.#path = options.path
    this.#rows = rows
    this.#passed = refused
  }

  async run(): Promise<CommitResult> {
    for (let round = 1; ; round++) {
      try {
        return await this.#store()
      } catch (error) {
        if (!(error instanceof DatabaseFailure)) throw error
        const verdict = this.#judge(error, round)
        if (verdict.kind === 'stop') return this.#refused(error)
        if (verdict.kind === 'again') return { kind: 'failed', failure: error, smaller: verdict.smaller }
        await this.#mend(verdict.kind)
      }
    }
  }

  #judge({ kind, sqlState }: DatabaseFailure, round: number): FailureVerdict {
    const verdict = judgeFailure(kind, this.#path, sqlState)
    if (verdict.kind === 'stop' || verdict.kind === 'again') return verdict
    // Partitions by hash are made once, all of them: one that is missing is for an administrator to bring back.
    const isBeyondUs = verdict.kind === 'make-partitions' && this.#options.interval === undefined
    return round === maxRounds || isBeyondUs ? { kind: 'again', smaller: false } : verdict
  }

  /** Makes the next round work. */
  async #mend(what: 'tolerate' | 'isolate' | 'make-partitions'): Promise<void> {
    if (what === 'make-partitions') return this.#makePartitions()
    this.#path = what === 'isolate' ? 'isolating' : 'tolerant'
    this.#violated ||= what === 'tolerate'
  }

  async #store(): Promise<CommitResult> {
    const { store, place, position, rows: all, released } = this.#options
    const { nextOffset: from, epoch } = position
    const step = { ...place, epoch, from, ...this.#end() }
    const batch = { rows: this.#rows, passed: this.#passed, held: this.#held, holdsKeys: this.#holdsKeys }
    const result = await store.store(step, { ...batch, released }, this.#path)
    if (result.kind === 'fenced') return this.#fenced()
    if (result.kind === 'fewer')
      return { kind: 'fewer', rows: all.filter(({ offset }) => offset < result.below).length }
    const { inserted, outcomes } = result
    const aside = outcomes.filter(({ outcome }) => outcome === 'refused' || outcome === 'held').length
    const passed = this.#passed.filter(({ outcome }) => outcome !== 'refused').length
    return {
      kind: 'stored',
      position: { ...position, nextOffset: step.to, lastId: step.lastId },
      records: all.length,
      stored: inserted,
      outcomes,
      violated: this.#violated || inserted + aside + passed < all.length,
    }
  }

  /** Where the partition stands after the batch. */
  #end(): Pick<Advance, 'to' | 'lastId'> {
    const { position, rows, released } = this.#options
    if (released) return { to: position.nextOffset, lastId: position.lastId }
    const last = rows.at(-1)
    if (!last) throw new Error('a batch has a row')
    return { to: last.offset + 1n, lastId: storableText(last.eventId) }
  }

  async #fenced(): Promise<CommitResult> {
    const { store, place, position } = this.#options
    const found = (await store.positions(place.topic, [place.partition])).get(place.partition)
    const verdict = judgeFence(position, found)
    if (found && (verdict.kind === 'committed' || verdict.kind === 'renewed')) {
      return { kind: 'moved', position: found }
    }
    return { kind: verdict.kind === 'lost' ? 'lost' : 'reclaim' }
  }

  /** Asks for one partition for each interval of the batch; goes on with the rows that have one. */
  async #makePartitions(): Promise<void> {
    const answers = new Map<number, PartitionAnswer>()
    for (const row of this.#rows) {
      const start = this.#intervalOf(row)
      if (!answers.has(start)) answers.set(start, await this.#options.store.ensurePartition(row))
    }
    this.#rows = this.#rows.filter(row => {
      const outcome = answers.get(this.#intervalOf(row)) ?? 'ready'
      if (outcome !== 'ready') this.#passed.push({ row, outcome })
      return outcome === 'ready'
    })
  }

  #intervalOf({ idTime }: NewRow): number {
    const { interval } = this.#options
    return interval === undefined ? 0 : intervalStart(interval, idTime)
  }

  /** Refused although no row of its own is to blame: only somebody who sees the database can help. */
  #refused({ message, sqlState }: DatabaseFailure): CommitResult {
    const { rows } = this.#options
    const place = `offsets ${rows[0]?.offset} to ${rows.at(-1)?.offset}`
    return {
      kind: 'stopped',
      stop: { reason: 'RecordRefused', detail: `${message} (${sqlState}) at ${place}` },
    }
  }
}
