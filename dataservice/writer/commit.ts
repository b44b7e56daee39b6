/** Takes one batch of one partition into the database, however often that must be tried. */
import type { Stop } from '#dataservice/contract/writer-stops.ts'
import { DatabaseFailure } from '#dataservice/platform/postgres/failure.ts'
import {
  type Interval,
  intervalStart,
  type PartitionAnswer,
} from '#dataservice/platform/postgres/partitions.ts'
import { withoutDoubles } from './buffer.ts'
import { conflictsOf } from './conflicts.ts'
import { type FailureVerdict, judgeFailure, judgeFence, type Path, type Position } from './decisions.ts'
import type { NewRow } from './decode.ts'
import type { Place } from './statements.ts'
import type { IngestStore } from './store.ts'

export type CommitResult =
  | {
      kind: 'stored'
      position: Position
      stored: number
      duplicates: number
      /** Rows whose id another record has. */
      conflicts: readonly NewRow[]
      /** Rows outside the time for which there may be partitions. */
      expired: readonly NewRow[]
      future: readonly NewRow[]
      /** A row stood there already. */
      violated: boolean
    }
  /** An earlier try had gone through, or a claim of ours took effect late: go on from this position. */
  | { kind: 'moved'; position: Position }
  | { kind: 'lost' }
  | { kind: 'reclaim' }
  | { kind: 'stopped'; stop: Stop }
  /** The row after these is refused: store these first, alone. */
  | { kind: 'shorter'; rows: number }
  /** Nothing was written, or nobody knows: try again later, with fewer rows when `smaller`. */
  | { kind: 'failed'; failure: DatabaseFailure; smaller: boolean }

export interface CommitOptions {
  store: IngestStore
  place: Place
  position: Position
  /** In log order, at least one. */
  rows: readonly NewRow[]
  path: Path
  /** Of partitions by time; absent where all partitions were made at once. */
  interval: Interval | undefined
}

/** One try with all that belongs to it: the tolerant path after a duplicate, partitions made when they are missing. */
export async function commit(options: CommitOptions): Promise<CommitResult> {
  const attempt = new Attempt(options)
  try {
    return await attempt.run()
  } catch (error) {
    if (!(error instanceof DatabaseFailure)) throw error
    return { kind: 'failed', failure: error, smaller: false }
  }
}

/** Rounds that one try may need: duplicate, missing partition, and each once more. */
const maxRounds = 4

class Attempt {
  readonly #options: CommitOptions
  readonly #skipped = { expired: [] as NewRow[], future: [] as NewRow[] }
  #path: Path
  #violated = false

  constructor(options: CommitOptions) {
    this.#options = options
    this.#path = options.path
  }

  async run(): Promise<CommitResult> {
    let rows: readonly NewRow[] = withoutDoubles(this.#options.rows)
    for (let round = 1; ; round++) {
      try {
        return await this.#store(rows)
      } catch (error) {
        if (!(error instanceof DatabaseFailure)) throw error
        const verdict = this.#judge(error, round)
        if (verdict.kind === 'stop') return this.#refused(error, rows)
        if (verdict.kind === 'again') return { kind: 'failed', failure: error, smaller: verdict.smaller }
        rows = await this.#mend(verdict.kind, rows)
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

  /** Makes the next round work; answers the rows that it may store. */
  async #mend(what: 'tolerate' | 'make-partitions', rows: readonly NewRow[]): Promise<readonly NewRow[]> {
    if (what === 'make-partitions') return this.#makePartitions(rows)
    this.#path = 'tolerant'
    this.#violated = true
    return rows
  }

  async #store(rows: readonly NewRow[]): Promise<CommitResult> {
    const { store, place, position, rows: all } = this.#options
    const last = all.at(-1)
    if (!last) throw new Error('a batch has a row')
    const step = {
      ...place,
      epoch: position.epoch,
      from: position.nextOffset,
      to: last.offset + 1n,
      lastId: last.eventId,
    }
    const result = await store.store(step, rows, this.#path)
    if (result.kind === 'fenced') return this.#fenced()
    const { expired, future } = this.#skipped
    const conflicts = conflictsOf(all, result.standing)
    const passed = expired.length + future.length + conflicts.length
    return {
      kind: 'stored',
      position: { ...position, nextOffset: step.to, lastId: step.lastId },
      stored: result.inserted,
      duplicates: all.length - passed - result.inserted,
      conflicts,
      expired,
      future,
      violated: this.#violated || result.inserted < rows.length,
    }
  }

  async #fenced(): Promise<CommitResult> {
    const { store, place, position } = this.#options
    const found = await store.position(place)
    const verdict = judgeFence(position, found)
    if (found && (verdict.kind === 'committed' || verdict.kind === 'renewed')) {
      return { kind: 'moved', position: found }
    }
    return { kind: verdict.kind === 'lost' ? 'lost' : 'reclaim' }
  }

  /** Asks for one partition for each interval of the batch; answers the rows that have one. */
  async #makePartitions(rows: readonly NewRow[]): Promise<readonly NewRow[]> {
    const answers = new Map<number, PartitionAnswer>()
    for (const row of rows) {
      const start = this.#intervalOf(row)
      if (!answers.has(start)) answers.set(start, await this.#options.store.ensurePartition(row.id))
    }
    return rows.filter(row => {
      const answer = answers.get(this.#intervalOf(row)) ?? 'ready'
      if (answer !== 'ready') this.#skipped[answer].push(row)
      return answer === 'ready'
    })
  }

  #intervalOf({ idTime }: NewRow): number {
    const { interval } = this.#options
    return interval === undefined ? 0 : intervalStart(interval, idTime)
  }

  /** COPY tells the line that was refused: what stands before it is stored first, then it stops its partition. */
  #refused({ message, sqlState, where }: DatabaseFailure, sent: readonly NewRow[]): CommitResult {
    const { rows } = this.#options
    const line = /^COPY records, line (\d+)/m.exec(where ?? '')?.[1]
    const refused = line === undefined ? undefined : sent[Number(line) - 1]
    const before = refused ? rows.indexOf(refused) : -1
    if (before > 0) return { kind: 'shorter', rows: before }
    const place = refused
      ? `offset ${refused.offset}`
      : `offsets ${rows[0]?.offset} to ${rows.at(-1)?.offset}`
    return {
      kind: 'stopped',
      stop: { reason: 'RecordRefused', detail: `${message} (${sqlState}) at ${place}` },
    }
  }
}
