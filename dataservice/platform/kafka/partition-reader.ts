/** Reads one partition from a position on, whatever happens to its leaders. */
import { Batches } from './batches.ts'
import type { Cluster } from './cluster.ts'
import { fetchPart } from './fetch-request.ts'
import { type Link, NotSent } from './link.ts'
import { logRange } from './log-query.ts'
import type { LogRange, Offset, SeenTopic } from './port.ts'
import { backOffMs, pause } from './retry.ts'
import { BatchUnreadable } from './unpack.ts'

export type Chunk =
  /** As they came: whoever takes the records decides how many are unpacked at a time. */
  | { kind: 'batches'; batches: Batches }
  /** The log does not hold the position, holds another history before it, or was made anew. */
  | { kind: 'outOfRange'; position: Offset; range: LogRange; topic: SeenTopic }
  /** What the broker answers are no batches. */
  | { kind: 'unreadable'; position: Offset; reason: string }
  | { kind: 'stopped' }

export interface PartitionReaderOptions {
  cluster: Cluster
  partition: number
  position: Offset
  signal: AbortSignal
  warn: (message: string) => void
  /** Bytes of one fetch; a larger batch still comes whole. */
  maxBytes: number
  /** How long the log may end below the position before that counts: a new leader may know less for a moment. */
  truncationGraceMs: number
}

const maxWaitMs = 1000
const answerTimeoutMs = 5000
const maxBackOffMs = 1000
const fatal: ReadonlySet<string> = new Set(['TOPIC_AUTHORIZATION_FAILED', 'UNSUPPORTED_VERSION'])

class FetchFailed extends Error {}

export class PartitionReader {
  readonly #options: PartitionReaderOptions
  #position: Offset
  #topicId: string | undefined
  /** Leader epoch of the last batch fetched, by which a broker notices that its log went another way. */
  #lastEpoch = -1
  #link: Link | undefined
  #leader = -1
  #belowSince: number | undefined

  constructor(options: PartitionReaderOptions) {
    this.#options = options
    this.#position = options.position
    options.signal.addEventListener('abort', () => this.#link?.close(), { once: true })
  }

  /** The next batches, at least one. Rejects only on what no waiting mends; not to be called before the last ended. */
  async next(): Promise<Chunk> {
    const { signal, warn, partition, cluster } = this.#options
    for (let failures = 0; !signal.aborted; ) {
      try {
        const chunk = await this.#fetch()
        if (chunk) return chunk
        failures = 0
      } catch (cause) {
        if (signal.aborted) break
        if (cause instanceof BatchUnreadable)
          return { kind: 'unreadable', position: this.#position, reason: cause.message }
        if (cause instanceof FetchFailed && fatal.has(cause.message)) throw cause
        warn(`partition ${partition}: ${String(cause)}`)
        this.#link?.close()
        await cluster.refresh().catch(() => {}) // the next fetch fails again and says so
        await pause(backOffMs(++failures, maxBackOffMs), signal)
      }
    }
    return { kind: 'stopped' }
  }

  /** Undefined when nothing came, or nothing that counts. */
  async #fetch(): Promise<Chunk | undefined> {
    const { cluster, partition, maxBytes } = this.#options
    const view = await cluster.view()
    const leader = view.leaders.get(partition)
    if (!leader) throw new NotSent('no leader')
    this.#topicId ??= view.topicId
    if (this.#topicId !== view.topicId) return this.#lost('another')
    const part = { topicId: view.topicId, partition, position: this.#position, lastEpoch: this.#lastEpoch }
    const call = fetchPart({ ...part, leaderEpoch: leader.epoch, maxBytes, maxWaitMs })
    const answer = await this.#linkTo(leader.broker).request(call, maxWaitMs + answerTimeoutMs)
    if (answer.error === 'OFFSET_OUT_OF_RANGE') return this.#outOfRange()
    if (answer.error !== 'NONE') throw new FetchFailed(answer.error)
    if (answer.isDiverging) return this.#lost('same')
    this.#belowSince = undefined
    const batches = new Batches({ bytes: answer.batches, partition, position: this.#position })
    this.#position = batches.end
    this.#lastEpoch = batches.leaderEpoch ?? this.#lastEpoch
    return batches.isEmpty ? undefined : { kind: 'batches', batches }
  }

  /** The log is another than the one whose position we have. */
  async #lost(topic: SeenTopic): Promise<Chunk> {
    const { cluster, partition } = this.#options
    return { kind: 'outOfRange', position: this.#position, range: await logRange(cluster, partition), topic }
  }

  /** Believes an error only when the log's bounds confirm it, and a log that ends too early only after the grace. */
  async #outOfRange(): Promise<Chunk | undefined> {
    const { cluster, partition, signal, truncationGraceMs } = this.#options
    const position = this.#position
    const range = await logRange(cluster, partition)
    const outOfRange = { kind: 'outOfRange', position, range, topic: 'same' } as const
    if (position < range.start) return outOfRange
    if (position > range.end) this.#belowSince ??= performance.now()
    const isOver = this.#belowSince !== undefined && performance.now() - this.#belowSince >= truncationGraceMs
    if (isOver) return outOfRange
    await pause(maxBackOffMs / 4, signal)
    return undefined
  }

  /** Its own connection: a broker works off one request of a connection after the other, and fetches wait long. */
  #linkTo(broker: number): Link {
    if (this.#link?.isUsable && this.#leader === broker) return this.#link
    this.#link?.close()
    const { cluster, signal } = this.#options
    if (signal.aborted) throw new NotSent('stopped')
    this.#link = cluster.openTo(broker)
    this.#leader = broker
    return this.#link
  }
}
