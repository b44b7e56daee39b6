/**
 * One partition at work: takes records from the log, keeps them until a batch is worth a transaction, and stores batch
 * after batch. While one batch is on its way the next one gathers.
 */
import { setTimeout as delay } from 'node:timers/promises'
import type { Stop } from '#dataservice/contract/writer-stops.ts'
import type { LogRecord } from '#dataservice/platform/kafka/port.ts'
import { DatabaseFailure } from '#dataservice/platform/postgres/failure.ts'
import type { Interval } from '#dataservice/platform/postgres/partitions.ts'
import { type LaneLimits, RowBuffer } from './buffer.ts'
import { type CommitOptions, type CommitResult, commit } from './commit.ts'
import {
  afterBatch,
  backOff,
  freshHistory,
  judgeStanding,
  type Path,
  type PathHistory,
  type Position,
  pathOf,
} from './decisions.ts'
import { decode, type LogRow } from './decode.ts'
import { type HeldKeys, type Released, tooManyHeldKeys } from './held-keys.ts'
import type { HeldRecord } from './held-store.ts'
import { Intake, type IntakeOptions } from './intake.ts'
import { unknownVersion } from './known-versions.ts'
import type { Place } from './statements.ts'
import type { IngestStore } from './store.ts'

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

export interface LaneOptions extends IntakeOptions {
  store: IngestStore
  place: Place
  position: Position
  /** Of partitions by time. */
  interval: Interval | undefined
  held: HeldKeys
  limits: LaneLimits
  events: LaneEvents
  clock: { now(): number; random(): number }
}

export class Lane {
  readonly #options: LaneOptions
  readonly #buffer: RowBuffer
  readonly #closing = new AbortController()
  readonly #intake: Intake
  #position: Position
  #history: PathHistory = freshHistory
  #gathering = new AbortController()
  #batchSize: number
  #working: Promise<void> | undefined
  #room = Promise.withResolvers<void>()
  /** Nothing is taken in any more; the log must not go on until the partition is given away. */
  #halted = false

  constructor(options: LaneOptions) {
    this.#options = options
    this.#position = options.position
    this.#intake = new Intake(options)
    this.#buffer = new RowBuffer(options.limits)
    this.#batchSize = options.limits.maxRecords
  }

  get position(): Position {
    return this.#position
  }

  /** Keys whose records wait. */
  get heldKeys(): number {
    return this.#options.held.count
  }

  /** Looks for records that may go, in its turn. */
  release(): void {
    if (this.#options.held.poke()) this.#work()
  }

  /** `found` is what the database has, asked when this lane stood at `ours`. */
  compare(ours: Position, found: Position | undefined): void {
    const kind = judgeStanding(ours, found)
    // One that does nothing any more may still tell what is not stored.
    if (kind === 'reclaim' || (kind === 'lost' && !this.#halted)) this.#settle({ kind })
  }

  /** Resolves when there is room for more, or when the lane was dropped. */
  async accept(records: readonly LogRecord[]): Promise<void> {
    for (const record of records) {
      if (this.#halted || this.#pendingStop || this.#closing.signal.aborted) break
      const row = this.#intake.take(record)
      if (row) this.#buffer.push(row)
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

  /** A stop that waits until what came before it is stored. */
  get #pendingStop(): Stop | undefined {
    return this.#intake.stop
  }

  get #isAtWork(): boolean {
    return !this.#closing.signal.aborted && !this.#halted
  }

  async #storeAll(): Promise<void> {
    await this.#gather()
    const { held } = this.#options
    let attempt = 0
    while (this.#isAtWork) {
      if (held.isDue) attempt = await this.#releaseHeld(attempt)
      else if (held.isTooMany) this.#halt(tooManyHeldKeys)
      const rows = held.isTooMany ? [] : this.#buffer.head(this.#batchSize)
      if (rows.length > 0 && this.#isAtWork) attempt = await this.#storeOne(rows, attempt)
      else if (!held.isDue && !held.isTooMany) break
    }
    if (this.#pendingStop && this.#isAtWork) this.#halt(this.#pendingStop)
  }

  /** One try; answers the number of the next one, 0 after success. */
  async #storeOne(rows: readonly LogRow[], attempt: number): Promise<number> {
    const { clock, held } = this.#options
    const path = pathOf(this.#history, clock.now())
    const result = await this.#commit(rows, { path, holding: () => held.holding() })
    if (result.kind === 'stored') {
      this.#history = afterBatch(this.#history, result.violated, clock.now())
      this.#batchSize = Math.min(this.#options.limits.maxRecords, this.#batchSize * 2)
    }
    if (this.#closing.signal.aborted) return 0
    if (result.kind === 'failed') {
      if (result.smaller) this.#batchSize = Math.max(1, Math.floor(rows.length / 2))
      return this.#failed(result.failure, attempt)
    }
    if (result.kind === 'fewer') this.#batchSize = result.rows
    else this.#settle(result)
    return 0
  }

  async #commit(
    rows: readonly LogRow[],
    how: Pick<CommitOptions, 'path' | 'holding' | 'released'>,
  ): Promise<CommitResult> {
    const { store, place, interval, clock, events, held } = this.#options
    const started = clock.now()
    const result = await commit({ store, place, position: this.#position, rows, interval, ...how })
    if (result.kind === 'stored') {
      held.learn(result.outcomes)
      events.stored(result, { path: how.path, rows, seconds: (clock.now() - started) / 1000 })
    }
    return result
  }

  /** Answers the number of the next try. */
  async #failed(failure: DatabaseFailure, attempt: number): Promise<number> {
    this.#options.events.retrying(failure, attempt)
    await pause(backOff(attempt, this.#options.clock.random()), this.#closing.signal)
    return attempt + 1
  }

  /** Stores what may go, before anything newer of the same keys; like `#storeOne`. What fails is tried at the next look. */
  async #releaseHeld(attempt: number): Promise<number> {
    const { held } = this.#options
    try {
      await held.release(records => this.#put(records))
      return attempt
    } catch (error) {
      if (!(error instanceof DatabaseFailure)) throw error
      if (held.isTooMany) held.poke() // nothing else may be stored before it
      return this.#failed(error, attempt)
    }
  }

  async #put(records: readonly HeldRecord[]): Promise<Released> {
    const { held, table, known } = this.#options
    if (!this.#isAtWork) return 'unknown'
    // It is not for us to store them; newer ones of their key wait as well.
    if (records.some(({ record }) => unknownVersion(record, known))) return 'some'
    const rows = records.map(({ record }) => decode(record, table))
    const released = new Map(records.map(({ record, number }) => [record.offset, number]))
    const result = await this.#commit(rows, { path: 'tolerant', holding: async () => held.free, released })
    if (result.kind === 'failed') throw result.failure
    if (result.kind === 'fewer') return this.#put(records.slice(0, result.rows)) // the others are asked for again
    if (this.#closing.signal.aborted) return 'unknown'
    this.#settle(result)
    if (result.kind !== 'stored') return 'unknown'
    return held.isOn && result.outcomes.some(({ outcome }) => outcome === 'refused') ? 'some' : 'all'
  }

  #settle(result: Exclude<CommitResult, { kind: 'failed' | 'fewer' }>): void {
    const { events } = this.#options
    switch (result.kind) {
      case 'stored':
      case 'moved':
        if (result.kind === 'moved') this.#moved()
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

  /** What an earlier try had refused is not known here. */
  #moved(): void {
    this.#options.held.doubt()
    this.#options.events.moved()
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

/** Ends early when the signal is aborted. */
async function pause(milliseconds: number, signal: AbortSignal): Promise<void> {
  await delay(milliseconds, undefined, { signal }).catch(() => undefined)
}
