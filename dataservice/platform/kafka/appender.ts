/** The log's writing side: idempotent with acks=all, plain with less, and honest about what it does not know. */
import { batchBytes, type EncodedBatch, encodeBatch, maxBatchBytes, setSequence } from './batch-encoder.ts'
import { clockSkewMs } from './broker-clock.ts'
import { Cluster, type ClusterOptions } from './cluster.ts'
import { Lane } from './lane.ts'
import type { Acks, AppendOutcome, LogAppender, NewRecord } from './port.ts'
import { type Producer, ProducerIds, type Producers, plainProducers } from './producer-ids.ts'
import { backOffMs, pause } from './retry.ts'
import { type Attempt, nextStep } from './verdict.ts'

export interface AppenderOptions extends ClusterOptions {
  /** Gives up waiting for the first sight of the log; without it the wait has no end. */
  signal?: AbortSignal
  /** Hears of trouble that the appender mends or reports as an outcome. */
  warn?: (message: string) => void
  /** How long a broker may take to answer (it waits for its followers). Default 10 s. */
  answerTimeoutMs?: number
}

/** After the first failure of a batch, attempts begin within this. */
const retryWindowMs = 1000
/** So long each of them is waited for: a new leader answers when its followers have found it. */
const retryAnswerMs = 3000
const maxBackOffMs = 200
const lookEveryMs = 15_000
const startBackOffMs = 2000

/** Resolves once the log was seen and a producer id is at hand; tries until then. */
export async function createAppender(options: AppenderOptions): Promise<LogAppender> {
  const cluster = new Cluster(options)
  const appender = new KafkaAppender(cluster, options)
  for (let attempt = 1; ; attempt++) {
    try {
      await appender.look()
      return appender
    } catch (cause) {
      options.warn?.(`the log ${options.topic} cannot be reached yet: ${String(cause)}`)
    }
    await pause(backOffMs(attempt, startBackOffMs), options.signal)
    if (options.signal?.aborted) {
      await appender.close()
      throw options.signal.reason
    }
  }
}

/** What each kind of acknowledgement has of its own; connections too, so that none waits for another. */
class Way {
  readonly acks: Acks
  readonly producers: Producers
  /** By broker. */
  readonly lanes = new Map<number, Lane>()
  /** The last append of each partition, so that the next waits for it. */
  readonly last = new Map<number, Promise<AppendOutcome>>()

  constructor(acks: Acks, producers: Producers) {
    this.acks = acks
    this.producers = producers
  }
}

class KafkaAppender implements LogAppender {
  readonly #cluster: Cluster
  readonly #ways: Readonly<Record<Acks, Way>>
  readonly #warn: (message: string) => void
  readonly #answerTimeoutMs: number
  readonly #timer: NodeJS.Timeout
  #skewMs: number | undefined

  constructor(cluster: Cluster, { warn, answerTimeoutMs }: AppenderOptions) {
    this.#cluster = cluster
    this.#ways = {
      all: new Way('all', new ProducerIds(cluster)),
      1: new Way(1, plainProducers),
      0: new Way(0, plainProducers),
    }
    this.#warn = warn ?? (() => {})
    this.#answerTimeoutMs = answerTimeoutMs ?? 10_000
    this.#timer = setInterval(() => void this.#lookAgain(), lookEveryMs).unref()
  }

  get partitions(): number {
    return this.#cluster.lastView?.partitions ?? 0
  }

  get logId(): string {
    return this.#cluster.lastView?.clusterId ?? ''
  }

  get replicas(): number {
    return this.#cluster.lastView?.replicas ?? 0
  }

  clockSkewMs(): number | undefined {
    return this.#skewMs
  }

  /** Learns partitions, leaders and the brokers' clock, and makes sure of a producer id. */
  async look(): Promise<void> {
    await this.#cluster.refresh()
    await this.#ways.all.producers.current()
    // An external Kafka may not let us ask; then the skew stays unknown.
    this.#skewMs = await clockSkewMs(this.#cluster).catch(() => this.#skewMs)
  }

  async append(
    batches: ReadonlyMap<number, readonly NewRecord[]>,
    acks: Acks = 'all',
  ): Promise<ReadonlyMap<number, AppendOutcome>> {
    const now = Date.now()
    const way = this.#ways[acks]
    const parts = [...batches].map(async ([partition, records]) => {
      const bytes = batchBytes(records)
      const reason = this.#refusal(partition, records.length, bytes)
      const outcome: AppendOutcome = reason
        ? { kind: 'refused', reason }
        : await this.#enqueue(way, partition, encodeBatch(records, now, bytes))
      return [partition, outcome] as const
    })
    return new Map(await Promise.all(parts))
  }

  async close(): Promise<void> {
    clearInterval(this.#timer)
    await Promise.all(Object.values(this.#ways).flatMap(({ last }) => [...last.values()]))
    this.#cluster.close()
  }

  async #lookAgain(): Promise<void> {
    await this.look().catch(cause => this.#warn(`the log does not answer: ${String(cause)}`))
  }

  #enqueue(way: Way, partition: number, batch: EncodedBatch): Promise<AppendOutcome> {
    const previous = way.last.get(partition)
    const outcome = previous
      ? previous.then(() => this.#deliver(way, partition, batch))
      : this.#deliver(way, partition, batch)
    way.last.set(partition, outcome)
    return outcome
  }

  #refusal(partition: number, count: number, bytes: number): string | undefined {
    if (!(partition >= 0 && partition < this.partitions)) return `the topic has no partition ${partition}`
    if (count === 0) return 'no records'
    if (bytes > maxBatchBytes) return `more than ${maxBatchBytes} bytes in one batch`
    return undefined
  }

  /** Sends one batch until its outcome is known, it is no use, or the time is over. */
  async #deliver(way: Way, partition: number, batch: EncodedBatch): Promise<AppendOutcome> {
    let producer: Producer | undefined
    let isPerhapsInLog = false
    let giveUpAt: number | undefined
    for (let round = 1; ; round++) {
      producer ??= await way.producers.current().catch(() => undefined)
      const withinMs =
        giveUpAt === undefined ? this.#answerTimeoutMs : Math.min(this.#answerTimeoutMs, retryAnswerMs)
      const attempt = await this.#attempt(way, { partition, batch, producer }, withinMs)
      const isTimeOver = giveUpAt !== undefined && performance.now() >= giveUpAt
      const step = nextStep(attempt, { isPerhapsInLog, isTimeOver })
      if (!step.keepsProducer && producer) {
        await way.producers.discard(producer)
        producer = undefined
      }
      if (step.kind === 'end') {
        if (step.outcome.kind === 'appended') producer?.advance(partition, batch)
        return step.outcome
      }
      this.#warn(`partition ${partition}: ${step.reason}`)
      isPerhapsInLog = step.isPerhapsInLog
      giveUpAt ??= performance.now() + retryWindowMs
      await this.#recover(round, giveUpAt)
    }
  }

  async #attempt(way: Way, { partition, batch, producer }: Sending, withinMs: number): Promise<Attempt> {
    const leader = this.#cluster.lastView?.leaders.get(partition)
    if (!producer) return { kind: 'unsent', reason: 'no producer id' }
    if (!leader) return { kind: 'unsent', reason: 'no leader' }
    setSequence(batch, producer.sequence(partition))
    return this.#lane(way, leader.broker).submit({ partition, batch: batch.bytes }, withinMs)
  }

  /** Looks for the leader anew and waits a little, both within the time that is left. */
  async #recover(round: number, giveUpAt: number): Promise<void> {
    const leftMs = Math.max(0, giveUpAt - performance.now())
    const refreshed = this.#cluster.refresh().catch(() => {})
    await Promise.race([refreshed, pause(leftMs)])
    await pause(Math.min(backOffMs(round, maxBackOffMs), Math.max(0, giveUpAt - performance.now())))
  }

  #lane({ acks, lanes }: Way, broker: number): Lane {
    const known = lanes.get(broker)
    if (known) return known
    const lane = new Lane(this.#cluster, broker, { answerTimeoutMs: this.#answerTimeoutMs, acks })
    lanes.set(broker, lane)
    return lane
  }
}

/** One batch under the numbers of one producer. */
interface Sending {
  partition: number
  batch: EncodedBatch
  producer: Producer | undefined
}
