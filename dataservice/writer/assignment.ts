/** The partitions of one writer: claims what the group gives, drops what it takes, knows what stopped. */
import { setTimeout as delay } from 'node:timers/promises'
import type { Logger } from 'pino'
import { type Stop, stopReasons, stopText } from '#dataservice/contract/writer-stops.ts'
import type {
  LogConsumer,
  LogHandler,
  LogRange,
  LogRecord,
  Offset,
  SeenTopic,
  StartReading,
} from '#dataservice/platform/kafka/port.ts'
import { DatabaseFailure } from '#dataservice/platform/postgres/failure.ts'
import { type Partitioning, tableKind, timedTable } from '#dataservice/platform/postgres/partitions.ts'
import type { LaneLimits } from './buffer.ts'
import type { ChangeListener } from './change-listener.ts'
import { backOff, judgeClaim, judgeOutOfRange } from './decisions.ts'
import { HeldKeys } from './held-keys.ts'
import type { KnownVersions } from './known-versions.ts'
import { Lane, type LaneEvents, type LaneOptions } from './lane.ts'
import type { WriterMetrics } from './metrics.ts'
import { OutcomeReport } from './outcome-report.ts'
import type { IngestStore } from './store.ts'
import { recordsTables } from './table.ts'

export interface AssignmentOptions {
  consumer: Pick<LogConsumer, 'clusterId' | 'range'>
  store: IngestStore
  /** Schema versions whose records can be stored here; asked with each assignment. Rejects with a `DatabaseFailure`. */
  knownVersions(): Promise<KnownVersions>
  topic: string
  /** Unlike any other process, also of the same pod name. */
  claimedBy: string
  partitioning: Partitioning
  limits: LaneLimits
  metrics: WriterMetrics
  log: Logger
  clock: { now(): number; random(): number }
  /** A refused record holds its key: later ones of it wait. Default: false, and all that waited may go. */
  holdsKeys?: boolean
  /** Called when there may be new dead letters of partitions that are ours. */
  deadLetters?: () => void
  /** Only where records change. */
  changes?: ChangeListener
  /** How long a partition that another writer has claimed may stay ours: above the session timeout. Default: 15 s. */
  lostForMs?: number
}

export class Assignment implements LogHandler {
  readonly #options: AssignmentOptions
  readonly #outcomes: OutcomeReport
  readonly #lanes = new Map<number, Lane>()
  readonly #stops = new Map<number, Stop>()
  readonly #failed = Promise.withResolvers<never>()
  /** Renewed by each assignment, aborted when it is taken back. */
  #current = new AbortController()
  #hasClaimed = false
  /** Of the current assignment. */
  readonly #unclaimed = new Set<number>()

  constructor(options: AssignmentOptions) {
    this.#options = options
    this.#outcomes = new OutcomeReport(options)
    this.#failed.promise.catch(() => {}) // the role waits for it too
  }

  /** Rejects when this process has to end and start anew. */
  get failed(): Promise<never> {
    return this.#failed.promise
  }

  /** Why this writer does not do its whole work. */
  notReady(): string | undefined {
    if (!this.#hasClaimed) return unclaimedText([...this.#unclaimed], this.#lanes.size + this.#stops.size)
    const [first] = this.#stops
    if (!first) return undefined
    const [partition, stop] = first
    return stopText({ partition, ...stop })
  }

  /** Where each partition at work stands. */
  positions(): ReadonlyMap<number, Offset> {
    return new Map([...this.#lanes].map(([partition, lane]) => [partition, lane.position.nextOffset]))
  }

  /** Looks in all partitions for records that may go, and measures how many keys are held. */
  release(): void {
    for (const [partition, lane] of this.#lanes) {
      lane.release()
      this.#options.metrics.heldKeys.set({ partition }, lane.heldKeys)
    }
  }

  /**
   * Asks the database whether it still has what was stored. No batch of a quiet partition would find out that the primary
   * is another one now, which never got the end of the old one.
   */
  async verify(): Promise<void> {
    const { store, topic } = this.#options
    const asked = [...this.#lanes].map(([partition, lane]) => ({ partition, lane, ours: lane.position }))
    if (asked.length === 0) return
    try {
      const found = await store.positions(
        topic,
        asked.map(({ partition }) => partition),
      )
      for (const { partition, lane, ours } of asked) {
        if (this.#lanes.get(partition) === lane) lane.compare(ours, found.get(partition))
      }
    } catch (error) {
      // A database that is away is asked again in the next round.
      if (!(error instanceof DatabaseFailure)) this.#failed.reject(error)
    }
  }

  async assigned(partitions: readonly number[], read: StartReading): Promise<void> {
    const current = new AbortController()
    this.#current = current
    const { signal } = current
    await this.#dropAll()
    if (signal.aborted) return
    for (const partition of partitions) this.#unclaimed.add(partition)
    await this.#claimAll(partitions, signal, read)
    if (!signal.aborted) this.#hasClaimed = true
  }

  revoked(): void {
    this.#current.abort()
    this.#options.changes?.revoked()
    void this.#dropAll()
  }

  async records(partition: number, records: readonly LogRecord[]): Promise<void> {
    await this.#lanes.get(partition)?.accept(records)
  }

  outOfRange(partition: number, _position: Offset, range: LogRange, topic: SeenTopic): void {
    const lane = this.#lanes.get(partition)
    if (!lane) return
    const stop = judgeOutOfRange(lane.position.nextOffset, range, topic)
    if (stop) this.#stop(partition, stop)
    else this.#fail(`the log of partition ${partition} moved under the reader; starting anew`)
  }

  unreadable(partition: number, position: Offset, reason: string): void {
    if (!this.#lanes.has(partition)) return
    this.#stop(partition, { reason: 'LogUnreadable', detail: `from offset ${position} on: ${reason}` })
  }

  async #dropAll(): Promise<void> {
    const lanes = [...this.#lanes.values()]
    this.#lanes.clear()
    this.#stops.clear()
    this.#unclaimed.clear()
    this.#options.metrics.stopped.reset()
    this.#options.metrics.lag.reset()
    this.#options.metrics.lagAge.reset()
    this.#options.metrics.heldKeys.reset()
    await Promise.all(lanes.map(lane => lane.drop()))
  }

  /** Each partition by itself: one whose leader is away holds up no other. */
  async #claimAll(partitions: readonly number[], signal: AbortSignal, read: StartReading): Promise<void> {
    if (partitions.length === 0) return
    const known = await this.#persistently(signal, () => this.#options.knownVersions())
    if (!known) return
    await Promise.all(
      partitions.map(async partition => {
        const from = await this.#claim(partition, known, signal)
        if (signal.aborted) return
        this.#unclaimed.delete(partition)
        // An earlier owner may have left some.
        this.#options.deadLetters?.()
        this.#options.changes?.claimed([partition])
        if (from !== undefined) read(partition, from)
      }),
    )
  }

  /** The offset to read from, or undefined when the partition must not be read. */
  async #claim(partition: number, known: KnownVersions, signal: AbortSignal): Promise<Offset | undefined> {
    const { topic, store, claimedBy, log } = this.#options
    const standing = await this.#standing(partition, signal)
    if (!standing) return undefined
    const { clusterId, range } = standing
    const position = await this.#persistently(signal, () =>
      store.claim({ topic, partition }, { clusterId, claimedBy }, signal),
    )
    if (!position || signal.aborted) return undefined
    const verdict = judgeClaim(position, clusterId, range)
    if (verdict.kind === 'stop') {
      this.#stop(partition, verdict.stop)
      return undefined
    }
    const held = await this.#persistently(signal, () => this.#heldKeys(partition))
    if (!held || signal.aborted) return undefined
    this.#lanes.set(partition, this.#lane(partition, { position, checkLast: verdict.checkLast, known, held }))
    log.info({ partition, nextOffset: String(position.nextOffset), epoch: String(position.epoch) }, 'claimed')
    return verdict.from
  }

  /** What the log says of a partition, however long that takes; undefined once the partitions are taken back. */
  async #standing(partition: number, signal: AbortSignal) {
    const { consumer } = this.#options
    try {
      const [clusterId, range] = await Promise.all([
        consumer.clusterId(signal),
        consumer.range(partition, signal),
      ])
      return { clusterId, range }
    } catch (cause) {
      if (signal.aborted) return undefined
      throw cause
    }
  }

  async #heldKeys(partition: number): Promise<HeldKeys> {
    const { store, topic, holdsKeys: isOn = false, clock } = this.#options
    const place = { topic, partition }
    if (!isOn) await store.unblock(place)
    return new HeldKeys({ store, place, isOn, keys: await store.heldKeys(place), now: clock.now })
  }

  #lane(partition: number, claimed: Pick<LaneOptions, 'position' | 'checkLast' | 'known' | 'held'>): Lane {
    const { store, topic, partitioning, limits, clock } = this.#options
    const table = recordsTables[tableKind(partitioning)]
    const interval = timedTable(partitioning)?.interval
    const place = { topic, partition }
    const events = this.#eventsOf(partition)
    return new Lane({ ...claimed, store, place, interval, table, limits, events, clock })
  }

  #eventsOf(partition: number): LaneEvents {
    const { metrics, log, changes } = this.#options
    return {
      stored: (result, { rows, seconds }) => {
        this.#outcomes.report(partition, result, seconds)
        changes?.stored(partition, rows)
        if (result.outcomes.some(({ outcome }) => outcome === 'refused')) this.#options.deadLetters?.()
      },
      moved: () => {
        this.#options.deadLetters?.()
        changes?.stored(partition)
      },
      retrying: ({ message, sqlState, kind }, attempt) => {
        metrics.retries.inc({ reason: sqlState ?? kind })
        log.warn({ partition, sqlState, kind, attempt, reason: message }, 'a batch is tried again')
      },
      stopped: stop => this.#stop(partition, stop),
      lost: () => void this.#lost(partition, this.#current.signal),
      reclaim: () => this.#fail(`the stored position of partition ${partition} is not where it was left`),
      broken: error => this.#failed.reject(error),
    }
  }

  #stop(partition: number, stop: Stop): void {
    const remedy = stopReasons[stop.reason]
    this.#stops.set(partition, stop)
    this.#options.metrics.stopped.set({ partition, reason: stop.reason }, 1)
    this.#options.log.error({ partition, ...stop, remedy }, 'a partition stopped')
  }

  /** Mostly the group says soon whose it is. When it stays ours, the claim of an earlier owner took effect after our own. */
  async #lost(partition: number, signal: AbortSignal): Promise<void> {
    const { log, lostForMs = 15_000 } = this.#options
    log.warn({ partition }, 'another writer has claimed the partition')
    await delay(lostForMs, undefined, { signal }).catch(() => undefined)
    if (signal.aborted) return
    this.#fail(`another writer claimed partition ${partition}, which the group has left to us; starting anew`)
  }

  #fail(reason: string): void {
    this.#failed.reject(new Error(reason))
  }

  /** Tries until it works or the partitions are taken back. */
  async #persistently<T>(signal: AbortSignal, work: () => Promise<T>): Promise<T | undefined> {
    for (let attempt = 0; !signal.aborted; attempt++) {
      try {
        return await work()
      } catch (error) {
        if (!(error instanceof DatabaseFailure)) throw error
        this.#options.log.warn({ reason: error.message, sqlState: error.sqlState, attempt }, 'claiming again')
        const wait = backOff(attempt, this.#options.clock.random())
        await delay(wait, undefined, { signal }).catch(() => undefined)
      }
    }
    return undefined
  }
}

function unclaimedText(unclaimed: readonly number[], claimed: number): string {
  if (claimed === 0) return 'no partitions were claimed yet'
  const [first] = unclaimed
  return unclaimed.length === 1
    ? `partition ${first} was not claimed yet`
    : `partitions ${unclaimed.join(', ')} were not claimed yet`
}
