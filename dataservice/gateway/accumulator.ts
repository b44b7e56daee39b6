/**
 * Collects records into batches: for each partition one batch is on its way while the next fills. What is due leaves
 * with all that waits for other partitions: it shares a request to the broker.
 * Bounded in bytes; every record has exactly one outcome, also when its caller stops waiting.
 */
import { maxBatchBytes } from '#dataservice/platform/kafka/batch-encoder.ts'
import type { Acks, AppendOutcome, LogAppender } from '#dataservice/platform/kafka/port.ts'
import { type Draft, type Entry, EntryQueue, type RecordOutcome, Ticket } from './entries.ts'

export interface AccumulatorOptions {
  appender: Pick<LogAppender, 'append'>
  /** How long the first record of a batch waits for company. */
  lingerMs?: number
  maxRecords?: number
  /** Bytes of all records that have no outcome yet. */
  maxBytes?: number
  /** After this a caller gets what is known. */
  deadlineMs?: number
  /** Hears of each batch. */
  observe?: (batch: {
    acks: Acks
    records: number
    bytes: number
    seconds: number
    outcome: AppendOutcome['kind']
  }) => void
}

const defaults = { lingerMs: 3, maxRecords: 1_000, maxBytes: 32 * 1024 * 1024, deadlineMs: 4_500 } as const

interface Lane {
  partition: number
  acks: Acks
  waiting: EntryQueue
  isBusy: boolean
  /** When the first of those that wait came, by `performance.now()`. */
  since: number
}

export class Accumulator {
  readonly #options: Required<Omit<AccumulatorOptions, 'observe'>> & Pick<AccumulatorOptions, 'observe'>
  readonly #lanes: Readonly<Record<Acks, Map<number, Lane>>> = { all: new Map(), 1: new Map(), 0: new Map() }
  readonly #idle: (() => void)[] = []
  #timer: NodeJS.Timeout | undefined
  #bytes = 0
  #isClosing = false

  constructor(options: AccumulatorOptions) {
    this.#options = { ...defaults, ...options }
  }

  /** Bytes of all records that have no outcome yet. */
  get bytes(): number {
    return this.#bytes
  }

  /**
   * Takes all drafts or none: undefined when there is no room. Resolves with one outcome for each draft, in order,
   * at the latest at the deadline: what was not yet sent is then withdrawn (`refused`), the rest `unknown`.
   */
  append(drafts: readonly Draft[], acks: Acks = 'all'): Promise<RecordOutcome[]> | undefined {
    if (drafts.length === 0) return Promise.resolve([])
    const { promise, resolve } = Promise.withResolvers<RecordOutcome[]>()
    const ticket = new Ticket(drafts, outcomes => {
      clearTimeout(timer)
      resolve(outcomes)
    })
    if (this.#bytes + ticket.bytes > this.#options.maxBytes) return undefined
    this.#bytes += ticket.bytes
    const timer = setTimeout(() => this.#expire(ticket, acks), this.#options.deadlineMs)
    for (const entry of ticket.entries) this.#enqueue(this.#lane(entry.partition, acks), entry)
    return promise
  }

  /** Sends what waits without further linger; resolves when nothing is without an outcome. */
  async flush(): Promise<void> {
    this.#isClosing = true
    this.#sendAll()
    if (this.#bytes > 0) await new Promise<void>(resolve => this.#idle.push(resolve))
  }

  #lane(partition: number, acks: Acks): Lane {
    const known = this.#lanes[acks].get(partition)
    if (known) return known
    const lane: Lane = { partition, acks, waiting: new EntryQueue(), isBusy: false, since: 0 }
    this.#lanes[acks].set(partition, lane)
    return lane
  }

  #enqueue(lane: Lane, entry: Entry): void {
    if (lane.waiting.length === 0) lane.since = performance.now()
    lane.waiting.push(entry)
    if (!lane.isBusy) this.#schedule(lane)
  }

  /** Sends when what waits for this free lane is due, else sees to it that it will be sent. */
  #schedule({ waiting, since }: Lane): void {
    if (waiting.length === 0) return
    const { lingerMs, maxRecords } = this.#options
    const leftMs = since + lingerMs - performance.now()
    if (this.#isClosing || waiting.length >= maxRecords || leftMs <= 0) this.#sendAll()
    else this.#timer ??= setTimeout(() => this.#sendAll(), leftMs)
  }

  #sendAll(): void {
    clearTimeout(this.#timer)
    this.#timer = undefined
    for (const lanes of Object.values(this.#lanes)) for (const lane of lanes.values()) this.#send(lane)
  }

  #send(lane: Lane): void {
    if (lane.isBusy) return
    const batch = lane.waiting.take(this.#options.maxRecords, maxBatchBytes)
    if (batch.length === 0) return
    lane.isBusy = true
    void this.#deliver(lane, batch).finally(() => {
      lane.isBusy = false
      this.#schedule(lane)
    })
  }

  async #deliver({ partition, acks }: Lane, batch: readonly Entry[]): Promise<void> {
    const started = performance.now()
    const records = batch.map(({ record }) => record)
    const answers = await this.#options.appender.append(new Map([[partition, records]]), acks)
    const outcome = answers.get(partition) ?? { kind: 'unknown', reason: 'the log named no outcome' }
    const seconds = (performance.now() - started) / 1000
    const outcomeAt = outcomesOf(outcome, partition, batch.length)
    let bytes = 0
    for (let place = 0; place < batch.length; place++) {
      const entry = batch[place]
      if (!entry) continue
      bytes += entry.bytes
      entry.settle(outcomeAt(place))
    }
    this.#release(bytes)
    this.#options.observe?.({ acks, records: records.length, bytes, seconds, outcome: outcome.kind })
  }

  /** The caller waits no longer: what still waits leaves the queue, what is on its way may yet arrive. */
  #expire(ticket: Ticket, acks: Acks): void {
    for (const entry of ticket.entries) {
      const isWithdrawn = this.#lanes[acks].get(entry.partition)?.waiting.withdraw(entry) ?? false
      if (isWithdrawn) this.#release(entry.bytes)
      const reason = 'the log did not answer in time'
      entry.settle(isWithdrawn ? { kind: 'refused', reason } : { kind: 'unknown', reason })
    }
  }

  #release(bytes: number): void {
    this.#bytes -= bytes
    if (this.#bytes === 0) for (const resolve of this.#idle.splice(0)) resolve()
  }
}

/** The outcome of each record of a batch, by its place. */
function outcomesOf(
  outcome: AppendOutcome,
  partition: number,
  count: number,
): (place: number) => RecordOutcome {
  if (outcome.kind !== 'appended') return () => outcome
  const { baseOffset } = outcome
  if (baseOffset < 0n) return () => ({ kind: 'appended', partition, offset: baseOffset, last: baseOffset })
  const last = baseOffset + BigInt(count - 1)
  return place => ({ kind: 'appended', partition, offset: baseOffset + BigInt(place), last })
}
