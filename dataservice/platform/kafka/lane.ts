/** The way to one broker: one request at a time, and what comes meanwhile shares the next. */
import type { Cluster } from './cluster.ts'
import { NotSent } from './link.ts'
import type { Acks } from './port.ts'
import { type ProduceAnswer, type ProducePart, produce } from './produce-request.ts'
import type { Attempt } from './verdict.ts'

interface Entry {
  part: ProducePart
  settle: (attempt: Attempt) => void
}

export interface LaneOptions {
  /** How long the broker may take to answer. */
  answerTimeoutMs: number
  acks: Acks
}

const maxRequestBytes = 16 * 1024 * 1024
/** The broker gives up this much before us, so that its word arrives in time. */
const brokerHeadStartMs = 500

export class Lane {
  readonly #cluster: Cluster
  readonly #broker: number
  readonly #answerTimeoutMs: number
  readonly #acks: Acks
  #waiting: Entry[] = []
  #isBusy = false

  constructor(cluster: Cluster, broker: number, { answerTimeoutMs, acks }: LaneOptions) {
    this.#cluster = cluster
    this.#broker = broker
    this.#answerTimeoutMs = answerTimeoutMs
    this.#acks = acks
  }

  /** Sends one partition's batch with the next request; answers within `withinMs`. Never rejects. */
  submit(part: ProducePart, withinMs: number): Promise<Attempt> {
    const { promise, resolve } = Promise.withResolvers<Attempt>()
    const entry = { part, settle: resolve }
    const timer = setTimeout(() => this.#expire(entry), withinMs)
    this.#waiting.push(entry)
    // Not at once: all partitions of the same append are submitted before the microtask runs.
    if (!this.#isBusy && this.#waiting.length === 1) queueMicrotask(() => void this.#run())
    return promise.finally(() => clearTimeout(timer))
  }

  #expire(entry: Entry): void {
    const isWaiting = this.#waiting.includes(entry)
    if (isWaiting) this.#waiting = this.#waiting.filter(other => other !== entry)
    entry.settle({
      kind: isWaiting ? 'unsent' : 'unanswered',
      reason: `no answer from broker ${this.#broker} in time`,
    })
  }

  async #run(): Promise<void> {
    if (this.#isBusy) return
    this.#isBusy = true
    while (this.#waiting.length > 0) await this.#send(this.#take())
    this.#isBusy = false
  }

  /** As many waiting entries as fit one request, at least one. */
  #take(): Entry[] {
    let bytes = 0
    let count = 0
    for (const { part } of this.#waiting) {
      bytes += part.batch.length
      if (count > 0 && bytes > maxRequestBytes) break
      count++
    }
    return this.#waiting.splice(0, count)
  }

  async #send(entries: readonly Entry[]): Promise<void> {
    const parts = entries.map(({ part }) => part)
    const timeoutMs = this.#answerTimeoutMs - brokerHeadStartMs
    const call = produce(this.#cluster.topic, parts, { acks: this.#acks, timeoutMs })
    try {
      const link = this.#cluster.link(`produce with acks ${this.#acks}`, this.#broker)
      const answers = await link.request(call, this.#answerTimeoutMs)
      const byPartition = new Map(answers.map(answer => [answer.partition, answer]))
      for (const { part, settle } of entries) settle(attemptOf(byPartition.get(part.partition)))
    } catch (cause) {
      const kind = cause instanceof NotSent ? 'unsent' : 'unanswered'
      for (const { settle } of entries) settle({ kind, reason: messageOf(cause) })
    }
  }
}

function attemptOf(answer: ProduceAnswer | undefined): Attempt {
  if (!answer) return { kind: 'unanswered', reason: 'the answer does not name the partition' }
  return { kind: 'answered', error: answer.error, baseOffset: answer.baseOffset }
}

const messageOf = (cause: unknown): string => (cause instanceof Error ? cause.message : String(cause))
