/**
 * One partition at work: takes records from the log, keeps them until a batch is worth a transaction, and stores batch
 * after batch. While one batch is on its way the next one gathers.
 */
import { setTimeout as delay } from 'node:timers/promises'
import type { Stop } from '#dataservice/contract/writer-stops.ts'
import type { LogRecord, Offset } from '#dataservice/platform/kafka/port.ts'
import type { DatabaseFailure } from '#dataservice/platform/postgres/failure.ts'
import type { Interval } from '#dataservice/platform/postgres/partitions.ts'
import { envelope } from '#dataservice/record/envelope.ts'
import { type LaneLimits, RowBuffer } from './buffer.ts'
import { type CommitResult, commit } from './commit.ts'
import {
  afterBatch,
  backOff,
  freshHistory,
  type Path,
  type PathHistory,
  type Position,
  pathOf,
} from './decisions.ts'
import { decode, eventIdOf, type LogRow, storableText } from './decode.ts'
import type { KnownVersions } from './known-versions.ts'
import type { Place } from './statements.ts'
import type { IngestStore } from './store.ts'
import type { RecordsTable } from './table.ts'

/** What a lane tells its owner. */
export interface LaneEvents {
  stored(
    result: Extract<CommitResult, { kind: 'stored' }>,
    facts: { path: Path; rows: readonly LogRow[]; seconds: number },
  ): void
  /** What an earlier try had written is not known here. */
  moved(): void
  retrying(failure: DatabaseFailure, attempt: number): void
  stopped(stop: Stop): void
  /** Another writer has the partition. */
  lost(): void
  /** The position is in doubt: claim everything anew. */
  reclaim(): void
  /** A mistake of the program. */
  broken(error: unknown): void
}

export interface LaneOptions {
  store: IngestStore
  place: Place
  position: Position
  /** The record before the position comes first and must be the last one stored. */
  checkLast: boolean
  /** Of partitions by time. */
  interval: Interval | undefined
  table: RecordsTable
  known: KnownVersions
  limits: LaneLimits
  events: LaneEvents
  clock: { now(): number; random(): number }
}

export class Lane {
  readonly #options: LaneOptions
  readonly #buffer: RowBuffer
  readonly #closing = new AbortController()
  #position: Position
  /** The next offset to take in. */
  #expected: Offset
  #checkLast: boolean
  #history: PathHistory = freshHistory
  #gathering = new AbortController()
  #batchSize: number
  /** A stop that waits until what came before it is stored. */
  #pendingStop: Stop | undefined
  #working: Promise<void> | undefined
  #room = Promise.withResolvers<void>()
  /** Nothing is taken in any more; the log must not go on until the partition is given away. */
  #halted = false

  constructor(options: LaneOptions) {
    this.#options = options
    this.#position = options.position
    this.#expected = options.position.nextOffset
    this.#checkLast = options.checkLast
    this.#buffer = new RowBuffer(options.limits)
    this.#batchSize = options.limits.maxRecords
  }

  get position(): Position {
    return this.#position
  }

  /** Resolves when there is room for more, or when the lane was dropped. */
  async accept(records: readonly LogRecord[]): Promise<void> {
    for (const record of records) {
      if (this.#halted || this.#pendingStop || this.#closing.signal.aborted) break
      this.#take(record)
    }
    if (this.#buffer.isFull || this.#pendingStop) this.#gathering.abort()
    this.#work()
    while (!this.#closing.signal.aborted && (this.#halted || this.#pendingStop || this.#buffer.isFull)) {
      await this.#room.promise
    }
  }

  /** Forgets what is buffered. A transaction under way ends by itself; resolves then. */
  async drop(): Promise<void> {
    this.#closing.abort()
    this.#gathering.abort()
    this.#buffer.clear()
    this.#makeRoom()
    await this.#working
  }

  #take(record: LogRecord): void {
    if (record.offset < this.#expected) {
      this.#compareLast(record)
      return
    }
    if (this.#checkLast || record.offset > this.#expected) {
      const first = this.#checkLast ? this.#expected - 1n : this.#expected
      this.#pendingStop = { reason: 'LogGap', detail: `expected offset ${first}, got ${record.offset}` }
      return
    }
    const { table, known } = this.#options
    const version = record.headers.get(envelope.schemaVersion)
    if (version && !known.has(version)) {
      this.#pendingStop = {
        reason: 'SchemaVersionUnknown',
        detail: `the record at offset ${record.offset} has the schema version ${nameOf(version)}`,
      }
      return
    }
    this.#buffer.push(decode(record, table))
    this.#expected = record.offset + 1n
  }

  #compareLast(record: LogRecord): void {
    if (!this.#checkLast || record.offset !== this.#expected - 1n) return
    this.#checkLast = false
    const { lastId } = this.#position
    const found = storableText(eventIdOf(record))
    if (found === lastId) return
    const detail = `the event at offset ${record.offset} is ${found ?? 'unnamed'}, stored was ${lastId}`
    this.#pendingStop = { reason: 'LogReplaced', detail }
  }

  #work(): void {
    if (this.#working || this.#halted) return
    this.#working = this.#storeAll()
      .catch((error: unknown) => {
        this.#halted = true
        this.#options.events.broken(error)
      })
      .finally(() => {
        this.#working = undefined
        if (this.#buffer.length > 0) this.#work() // came in after the last look
      })
  }

  async #storeAll(): Promise<void> {
    await this.#gather()
    let attempt = 0
    while (!this.#closing.signal.aborted && !this.#halted) {
      const rows = this.#buffer.head(this.#batchSize)
      if (rows.length === 0) break
      attempt = await this.#storeOne(rows, attempt)
    }
    if (this.#pendingStop && !this.#halted && !this.#closing.signal.aborted) this.#halt(this.#pendingStop)
  }

  /** One try; answers the number of the next one, 0 after success. */
  async #storeOne(rows: readonly LogRow[], attempt: number): Promise<number> {
    const { store, place, interval, clock, events } = this.#options
    const started = clock.now()
    const path = pathOf(this.#history, started)
    const result = await commit({ store, place, position: this.#position, rows, path, interval })
    if (result.kind === 'stored') {
      this.#history = afterBatch(this.#history, result.violated, clock.now())
      this.#batchSize = Math.min(this.#options.limits.maxRecords, this.#batchSize * 2)
      events.stored(result, { path, rows, seconds: (clock.now() - started) / 1000 })
    }
    if (this.#closing.signal.aborted) return 0
    if (result.kind === 'failed') {
      if (result.smaller) this.#batchSize = Math.max(1, Math.floor(rows.length / 2))
      events.retrying(result.failure, attempt)
      await pause(backOff(attempt, clock.random()), this.#closing.signal)
      return attempt + 1
    }
    this.#settle(result)
    return 0
  }

  #settle(result: Exclude<CommitResult, { kind: 'failed' }>): void {
    const { events } = this.#options
    switch (result.kind) {
      case 'stored':
      case 'moved':
        if (result.kind === 'moved') events.moved()
        this.#position = result.position
        this.#buffer.dropBelow(result.position.nextOffset)
        if (!this.#buffer.isFull) this.#makeRoom()
        break
      case 'stopped':
        this.#halt(result.stop)
        break
      case 'lost':
        this.#halted = true
        this.#buffer.clear()
        events.lost()
        break
      case 'reclaim':
        this.#halted = true
        events.reclaim()
        break
      default:
        result satisfies never
    }
  }

  #halt(stop: Stop): void {
    this.#halted = true
    this.#buffer.clear()
    this.#options.events.stopped(stop)
  }

  #makeRoom(): void {
    if (this.#halted && !this.#closing.signal.aborted) return
    this.#room.resolve()
    this.#room = Promise.withResolvers<void>()
  }

  /** Waits a little for more records, unless a whole batch is there. */
  async #gather(): Promise<void> {
    if (this.#buffer.isFull || this.#pendingStop) return
    this.#gathering = new AbortController()
    await pause(this.#options.limits.maxDelayMs, this.#gathering.signal)
  }
}

/** What a condition tells of a version that anybody may have written. */
const nameOf = (version: Buffer): string => JSON.stringify(version.toString('utf8', 0, 64))

/** Ends early when the signal is aborted. */
async function pause(milliseconds: number, signal: AbortSignal): Promise<void> {
  await delay(milliseconds, undefined, { signal }).catch(() => undefined)
}
