/** The log's writing side: idempotent, acks=all, and honest about what it does not know. */
import { batchBytes, type EncodedBatch, encodeBatch, maxBatchBytes, setSequence } from './batch-encoder.ts'
import { clockSkewMs } from './broker-clock.ts'
import { Cluster, type ClusterOptions } from './cluster.ts'
import { Lane } from './lane.ts'
import type { AppendOutcome, LogAppender, NewRecord } from './port.ts'
import { type Producer, ProducerIds } from './producer-ids.ts'
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

/** After the first failure of a batch, attempts end within this. */
const retryWindowMs = 1000
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

class KafkaAppender implements LogAppender {
  readonly #cluster: Cluster
  readonly #producers: ProducerIds
  readonly #warn: (message: string) => void
  readonly #answerTimeoutMs: number
  readonly #lanes = new Map<number, Lane>()
  /** The last append of each partition, so that the next waits for it. */
  readonly #last = new Map<number, Promise<AppendOutcome>>()
  readonly #timer: NodeJS.Timeout
  #skewMs: number | undefined

  constructor(cluster: Cluster, { warn, answerTimeoutMs }: AppenderOptions) {
    this.#cluster = cluster
    this.#producers = new ProducerIds(cluster)
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

  clockSkewMs(): number | undefined {
    return this.#skewMs
  }

  /** Learns partitions, leaders and the brokers' clock, and makes sure of a producer id. */
  async look(): Promise<void> {
    await this.#cluster.refresh()
    await this.#producers.current()
    // An external Kafka may not let us ask; then the skew stays unknown.
    this.#skewMs = await clockSkewMs(this.#cluster).catch(() => this.#skewMs)
  }

  async append(
    batches: ReadonlyMap<number, readonly NewRecord[]>,
  ): Promise<ReadonlyMap<number, AppendOutcome>> {
    const now = Date.now()
    const parts = [...batches].map(async ([partition, records]) => {
      const outcome = await this.#appendPart(partition, records, now)
      return [partition, outcome] as const
    })
    return new Map(await Promise.all(parts))
  }

  async close(): Promise<void> {
    clearInterval(this.#timer)
    await Promise.all(this.#last.values())
    this.#cluster.close()
  }

  async #lookAgain(): Promise<void> {
    await this.look().catch(cause => this.#warn(`the log does not answer: ${String(cause)}`))
  }

  #appendPart(partition: number, records: readonly NewRecord[], now: number): Promise<AppendOutcome> {
    const bytes = batchBytes(records)
    const refusal = this.#refusal(partition, records.length, bytes)
    if (refusal) return Promise.resolve({ kind: 'refused', reason: refusal })
    const batch = encodeBatch(records, now, bytes)
    const previous = this.#last.get(partition)
    const outcome = previous
      ? previous.then(() => this.#deliver(partition, batch))
      : this.#deliver(partition, batch)
    this.#last.set(partition, outcome)
    return outcome
  }

  #refusal(partition: number, count: number, bytes: number): string | undefined {
    if (!(partition >= 0 && partition < this.partitions)) return `the topic has no partition ${partition}`
    if (count === 0) return 'no records'
    if (bytes > maxBatchBytes) return `more than ${maxBatchBytes} bytes in one batch`
    return undefined
  }

  /** Sends one batch until its outcome is known, it is no use, or the time is over. */
  async #deliver(partition: number, batch: EncodedBatch): Promise<AppendOutcome> {
    let producer: Producer | undefined
    let isPerhapsInLog = false
    let giveUpAt: number | undefined
    for (let round = 1; ; round++) {
      producer ??= await this.#producers.current().catch(() => undefined)
      const leftMs = giveUpAt === undefined ? this.#answerTimeoutMs : giveUpAt - performance.now()
      const attempt = await this.#attempt(partition, batch, producer, leftMs)
      const isTimeOver = giveUpAt !== undefined && performance.now() >= giveUpAt
      const step = nextStep(attempt, { isPerhapsInLog, isTimeOver })
      if (!step.keepsProducer && producer) {
        await this.#producers.discard(producer)
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

  async #attempt(
    partition: number,
    batch: EncodedBatch,
    producer: Producer | undefined,
    withinMs: number,
  ): Promise<Attempt> {
    const leader = this.#cluster.lastView?.leaders.get(partition)
    if (!producer) return { kind: 'unsent', reason: 'no producer id' }
    if (!leader) return { kind: 'unsent', reason: 'no leader' }
    setSequence(batch, producer.sequence(partition))
    return this.#lane(leader.broker).submit({ partition, batch: batch.bytes }, withinMs)
  }

  /** Looks for the leader anew and waits a little, both within the time that is left. */
  async #recover(round: number, giveUpAt: number): Promise<void> {
    const leftMs = Math.max(0, giveUpAt - performance.now())
    const refreshed = this.#cluster.refresh().catch(() => {})
    await Promise.race([refreshed, pause(leftMs)])
    await pause(Math.min(backOffMs(round, maxBackOffMs), Math.max(0, giveUpAt - performance.now())))
  }

  #lane(broker: number): Lane {
    const known = this.#lanes.get(broker)
    if (known) return known
    const lane = new Lane(this.#cluster, broker, this.#answerTimeoutMs)
    this.#lanes.set(broker, lane)
    return lane
  }
}
