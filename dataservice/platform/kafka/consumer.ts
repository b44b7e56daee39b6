/** The log's reading side: a group decides who reads, the handler decides from where. */
import { type Batches, portionBytes } from './batches.ts'
import { Cluster, type ClusterOptions } from './cluster.ts'
import { logRange, recordAt } from './log-query.ts'
import { Membership } from './membership.ts'
import { PartitionReader } from './partition-reader.ts'
import { persistently } from './persistently.ts'
import type { LogConsumer, LogHandler, LogRange, LogRecord, Offset, StartReading } from './port.ts'
import { backOffMs, pause } from './retry.ts'
import { BatchUnreadable } from './unpack.ts'

export interface ConsumerOptions extends ClusterOptions {
  group: string
  /** Hears of trouble that the consumer mends. */
  warn?: (message: string) => void
  /** Bytes of one fetch, as the log stores them. At most two fetches of a partition are held, packed. Default 1 MiB. */
  maxFetchBytes?: number
  /** Bytes that the handler gets at a time, unpacked; a larger record still comes whole. Default 4 MiB. */
  maxPortionBytes?: number
  /** How long the log may end below the position before `outOfRange` says so. Default 30 s. */
  truncationGraceMs?: number
  /** After so long without a heartbeat the group gives a member up. Default 10 s. */
  sessionTimeoutMs?: number
}

/** Makes a consumer; nothing is connected before it is used. */
export const createConsumer = (options: ConsumerOptions): LogConsumer => new KafkaConsumer(options)

const maxBackOffMs = 1000
const recheckMs = 100
/** Bytes may change on their way, and another leader may have them whole. */
const mostReads = 3

/** What is no records, and where. */
interface Unreadable {
  position: Offset
  reason: string
}

/** One assignment, from the moment the group gave it until it took it back. */
interface Session {
  partitions: readonly number[]
  end: AbortController
  /** The handler was told of it. */
  isAnnounced: boolean
}

class KafkaConsumer implements LogConsumer {
  readonly #options: ConsumerOptions
  readonly #cluster: Cluster
  readonly #stop = new AbortController()
  readonly #failure = Promise.withResolvers<never>()
  readonly #warn: (message: string) => void
  readonly #membership: Membership
  #session: Session | undefined
  /** Settles when no call of the handler is under way for any earlier assignment. */
  #settled: Promise<unknown> = Promise.resolve()
  #running: Promise<void> | undefined

  constructor(options: ConsumerOptions) {
    this.#options = options
    this.#warn = options.warn ?? (() => {})
    this.#cluster = new Cluster(options)
    this.#failure.promise.catch(() => {}) // `run` waits for it too
    const signal = this.#stop.signal
    const { group, sessionTimeoutMs = 10_000 } = options
    const [cluster, warn] = [this.#cluster, this.#warn]
    this.#membership = new Membership({ cluster, group, signal, warn, sessionTimeoutMs })
  }

  run(handler: LogHandler): Promise<void> {
    this.#running ??= this.#run(handler)
    return this.#running
  }

  async hint(positions: ReadonlyMap<number, Offset>): Promise<void> {
    await this.#membership.commit(positions).catch(cause => this.#warn(`hint: ${String(cause)}`))
  }

  range(partition: number, signal?: AbortSignal): Promise<LogRange> {
    return this.#persistently(signal, () => logRange(this.#cluster, partition))
  }

  recordAt(partition: number, offset: Offset, signal?: AbortSignal): Promise<LogRecord | undefined> {
    return this.#persistently(signal, () => recordAt(this.#cluster, partition, offset))
  }

  async clusterId(signal?: AbortSignal): Promise<string> {
    return this.#persistently(signal, async () => (await this.#cluster.view()).clusterId)
  }

  async stop(): Promise<void> {
    this.#stop.abort(new Error('the consumer was stopped'))
    await this.#running?.catch(() => {}) // the caller of `run` has the reason
    this.#cluster.close()
  }

  async #run(handler: LogHandler): Promise<void> {
    const member = this.#membership.run({
      assigned: partitions => this.#begin(handler, partitions),
      revoked: () => this.#end(handler),
    })
    try {
      await Promise.race([member, this.#failure.promise])
    } finally {
      this.#stop.abort(new Error('the consumer ended'))
      this.#end(handler)
      await this.#membership.leave().catch(cause => this.#warn(`leaving: ${String(cause)}`))
      this.#membership.close() // a heartbeat may be under way
      await Promise.allSettled([member, this.#settled])
      this.#membership.close() // it may have found the coordinator only now
      this.#cluster.close()
    }
  }

  #begin(handler: LogHandler, partitions: readonly number[]): void {
    const session = { partitions, end: new AbortController(), isAnnounced: false }
    this.#session = session
    const before = this.#settled
    this.#settled = this.#work(handler, session, before)
  }

  #end(handler: LogHandler): void {
    const session = this.#session
    if (!session) return
    this.#session = undefined
    session.end.abort()
    if (session.isAnnounced) handler.revoked(session.partitions)
  }

  /** Once earlier calls have ended, each partition is read from when its position is known until the session ends. */
  async #work(handler: LogHandler, session: Session, before: Promise<unknown>): Promise<void> {
    await before
    if (session.end.signal.aborted) return
    session.isAnnounced = true
    const failed = (cause: unknown) => this.#failure.reject(cause)
    const reading: Promise<void>[] = []
    const read: StartReading = (partition, position) => {
      if (session.end.signal.aborted) return
      reading.push(this.#read(handler, session, partition, position).catch(failed))
    }
    await handler.assigned(session.partitions, read).catch(failed)
    await Promise.all(reading)
  }

  /** Until the session ends, or something stands there that stays unreadable. */
  async #read(handler: LogHandler, session: Session, partition: number, position: Offset): Promise<void> {
    const { signal } = session.end
    for (let at = position, reads = 0; ; ) {
      const found = await this.#readOn(handler, session, partition, at)
      if (!found || signal.aborted) return
      reads = found.position === at ? reads + 1 : 1
      at = found.position
      if (reads === mostReads) return handler.unreadable(partition, at, found.reason)
      this.#warn(`partition ${partition}: ${found.reason}`)
      await pause(backOffMs(reads, maxBackOffMs), signal)
    }
  }

  /** Undefined when there is nothing more to read in this session. */
  async #readOn(
    handler: LogHandler,
    session: Session,
    partition: number,
    position: Offset,
  ): Promise<Unreadable | undefined> {
    const ended = new AbortController()
    const signal = AbortSignal.any([session.end.signal, ended.signal])
    const { maxFetchBytes: maxBytes = 1_048_576, truncationGraceMs = 30_000 } = this.#options
    const warn = this.#warn
    const cluster = this.#cluster
    const reader = new PartitionReader({
      cluster,
      partition,
      position,
      signal,
      warn,
      maxBytes,
      truncationGraceMs,
    })
    try {
      for (let ahead = reader.next(); ; ) {
        const chunk = await ahead
        await this.#untilCurrent(signal)
        if (signal.aborted || chunk.kind === 'stopped') return undefined
        if (chunk.kind === 'unreadable') return chunk
        if (chunk.kind === 'outOfRange') {
          handler.outOfRange(partition, chunk.position, chunk.range, chunk.topic)
          return undefined
        }
        ahead = reader.next() // fetched while the handler works
        ahead.catch(() => {}) // awaited in the next round
        const found = await this.#handOver(chunk.batches, signal, records =>
          handler.records(partition, records),
        )
        if (found) return found
      }
    } finally {
      ended.abort() // what is fetched ahead is not awaited any more
    }
  }

  /** Portion by portion: the next one is unpacked when the one before is taken. */
  async #handOver(
    batches: Batches,
    signal: AbortSignal,
    records: (portion: readonly LogRecord[]) => Promise<void>,
  ): Promise<Unreadable | undefined> {
    const { maxPortionBytes = portionBytes } = this.#options
    while (!signal.aborted && !batches.isEmpty) {
      const portion = portionOf(batches, maxPortionBytes)
      if (!Array.isArray(portion)) return portion
      if (portion.length > 0) await records(portion)
      await this.#untilCurrent(signal)
    }
    return undefined
  }

  /** A process that slept, or lost the coordinator, holds still until the group has answered it again. */
  async #untilCurrent(signal: AbortSignal): Promise<void> {
    while (!signal.aborted && !this.#membership.isCurrent) await pause(recheckMs, signal)
  }

  /** Asks until there is an answer, the signal says otherwise, or the consumer stops. */
  #persistently<Answer>(signal: AbortSignal | undefined, ask: () => Promise<Answer>): Promise<Answer> {
    const [cluster, warn, stop] = [this.#cluster, this.#warn, this.#stop.signal]
    const either = signal ? AbortSignal.any([stop, signal]) : stop
    return persistently({ cluster, signal: either, warn, maxBackOffMs }, ask)
  }
}

function portionOf(batches: Batches, maxBytes: number): LogRecord[] | Unreadable {
  try {
    return batches.take(maxBytes)
  } catch (cause) {
    if (!(cause instanceof BatchUnreadable)) throw cause
    return { position: batches.next, reason: cause.message }
  }
}
