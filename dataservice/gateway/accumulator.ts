/**
 * Collects records into batches: for each partition one batch is on its way while the next fills. What waits for several
 * partitions leaves together: it shares a request to the broker. A record that comes alone leaves at once; then nothing
 * leaves for `paceMs`, so that under load many records share what a batch costs.
 * Bounded in bytes; every record has exactly one outcome, also when its caller stops waiting.
 */
import { batchBytes, maxBatchBytes } from '#dataservice/platform/kafka/batch-encoder.ts'
import type { Acks, AppendOutcome, LogAppender } from '#dataservice/platform/kafka/port.ts'
import { type Draft, type Entry, EntryQueue, type RecordOutcome, Ticket } from './entries.ts'

export interface AccumulatorOptions {
  appender: Pick<LogAppender, 'append'>
  /** Time between two departures, unless a batch is full before. */
  paceMs?: number
  maxRecords?: number
  /** Bytes of all records that have no outcome yet. */
  maxBytes?: number
  /** After this, or soon after it (`looksInDeadline`), a caller gets what is known. */
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

/** The pace is what Kafka's own producer lingers since version 4.0. */
const defaults = { paceMs: 5, maxRecords: 1_000, maxBytes: 32 * 1024 * 1024, deadlineMs: 4_500 } as const

/** How often it looks for callers that wait no longer. */
const looksInDeadline = 45

interface Lane {
  partition: number
  acks: Acks
  waiting: EntryQueue
  /** The batch that is on its way; empty when there is none. */
  sent: readonly Entry[]
}

export class Accumulator {
  readonly #options: Required<Omit<AccumulatorOptions, 'observe'>> & Pick<AccumulatorOptions, 'observe'>
  readonly #lanes: Readonly<Record<Acks, Map<number, Lane>>> = { all: new Map(), 1: new Map(), 0: new Map() }
  readonly #idle: (() => void)[] = []
  #departure: NodeJS.Timeout | undefined
  #watch: NodeJS.Timeout | undefined
  /** When the last batches left, by `performance.now()`. */
  #lastDeparture = Number.NEGATIVE_INFINITY
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
    const sizes = drafts.map(({ record }) => batchBytes([record]))
    const bytes = sizes.reduce((sum, size) => sum + size, 0)
    if (this.#bytes + bytes > this.#options.maxBytes) return undefined
    this.#bytes += bytes
    this.#watch ??= setInterval(() => this.#look(), this.#options.deadlineMs / looksInDeadline)
    const since = performance.now()
    return new Promise(resolve => {
      const ticket = new Ticket(drafts.length, resolve)
      for (const [place, { partition, record }] of drafts.entries())
        this.#enqueue(this.#lane(partition, acks), { record, bytes: sizes[place] ?? 0, since, ticket, place })
    })
  }

  /** Sends what waits without further delay; resolves when nothing is without an outcome. */
  async flush(): Promise<void> {
    this.#isClosing = true
    this.#sendAll()
    if (this.#bytes > 0) await new Promise<void>(resolve => this.#idle.push(resolve))
  }

  #lane(partition: number, acks: Acks): Lane {
    const known = this.#lanes[acks].get(partition)
    if (known) return known
    const lane: Lane = { partition, acks, waiting: new EntryQueue(), sent: [] }
    this.#lanes[acks].set(partition, lane)
    return lane
  }

  #enqueue(lane: Lane, entry: Entry): void {
    lane.waiting.push(entry)
    if (lane.sent.length === 0) this.#schedule(lane)
  }

  /** Sees to it that what waits for this free lane leaves in time. */
  #schedule({ waiting }: Lane): void {
    if (waiting.length === 0) return
    const { paceMs, maxRecords } = this.#options
    if (this.#isClosing || waiting.length >= maxRecords) this.#sendAll()
    else
      this.#departure ??= setTimeout(
        () => this.#sendAll(),
        Math.max(0, this.#lastDeparture + paceMs - performance.now()),
      )
  }

  #sendAll(): void {
    clearTimeout(this.#departure)
    this.#departure = undefined
    this.#lastDeparture = performance.now()
    for (const lanes of Object.values(this.#lanes)) for (const lane of lanes.values()) this.#send(lane)
  }

  #send(lane: Lane): void {
    if (lane.sent.length > 0 || lane.waiting.length === 0) return
    lane.sent = lane.waiting.take(this.#options.maxRecords, maxBatchBytes)
    void this.#deliver(lane).finally(() => {
      lane.sent = []
      this.#schedule(lane)
    })
  }

  async #deliver({ partition, acks, sent }: Lane): Promise<void> {
    const started = performance.now()
    const records = sent.map(({ record }) => record)
    const answers = await this.#options.appender.append(new Map([[partition, records]]), acks)
    const outcome = answers.get(partition) ?? { kind: 'unknown', reason: 'the log named no outcome' }
    const seconds = (performance.now() - started) / 1000
    const bytes = settle(sent, outcomesOf(outcome, partition, sent.length))
    this.#release(bytes)
    this.#options.observe?.({ acks, records: sent.length, bytes, seconds, outcome: outcome.kind })
  }

  /** Callers that have waited long enough: what still waits leaves the queue, what is on its way may yet arrive. */
  #look(): void {
    const reason = 'the log did not answer in time'
    const latest = performance.now() - this.#options.deadlineMs
    for (const lanes of Object.values(this.#lanes))
      for (const { sent, waiting } of lanes.values()) {
        settle(
          sent.filter(({ since }) => since <= latest),
          () => ({ kind: 'unknown', reason }),
        )
        this.#release(settle(waiting.takeSince(latest), () => ({ kind: 'refused', reason })))
      }
    if (this.#bytes > 0) return
    clearInterval(this.#watch)
    this.#watch = undefined
  }

  #release(bytes: number): void {
    this.#bytes -= bytes
    if (this.#bytes === 0) for (const resolve of this.#idle.splice(0)) resolve()
  }
}

/** Answers how many bytes the entries take. */
function settle(entries: readonly Entry[], outcomeAt: (place: number) => RecordOutcome): number {
  let bytes = 0
  for (let place = 0; place < entries.length; place++) {
    const entry = entries[place]
    if (!entry) continue
    bytes += entry.bytes
    entry.ticket.settle(entry.place, outcomeAt(place))
  }
  return bytes
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
