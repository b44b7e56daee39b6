/** Reads a topic from any offset, without a group. */
import { Batches, portionBytes } from './batches.ts'
import { Cluster, type ClusterOptions } from './cluster.ts'
import { fetchPart } from './fetch-request.ts'
import { NotSent } from './link.ts'
import { logRange, offsetSince } from './log-query.ts'
import { persistently } from './persistently.ts'
import type { LogRead, LogReader, Offset, ReadOptions } from './port.ts'

export interface LogReaderOptions extends ClusterOptions {
  /** Hears of trouble that the next attempt may mend. */
  warn?: (message: string) => void
}

/** Nothing is connected before it is asked. */
export const createLogReader = (options: LogReaderOptions): LogReader => new KafkaLogReader(options)

const answerTimeoutMs = 5_000
const maxBackOffMs = 500

class KafkaLogReader implements LogReader {
  readonly #cluster: Cluster
  readonly #warn: (message: string) => void

  constructor(options: LogReaderOptions) {
    this.#cluster = new Cluster(options)
    this.#warn = options.warn ?? (() => {})
  }

  topic(signal: AbortSignal) {
    return this.#persistently(signal, async () => {
      const { topicId: id, partitions } = await this.#cluster.view()
      return { id, partitions }
    })
  }

  range(partition: number, signal: AbortSignal) {
    return this.#persistently(signal, () => logRange(this.#cluster, partition))
  }

  offsetSince(partition: number, time: number, signal: AbortSignal) {
    return this.#persistently(signal, () => offsetSince(this.#cluster, partition, time))
  }

  read(partition: number, position: Offset, options: ReadOptions) {
    return this.#persistently(options.signal, () => this.#read(partition, position, options))
  }

  async close(): Promise<void> {
    this.#cluster.close()
  }

  async #read(
    partition: number,
    position: Offset,
    { topic, maxBytes, maxWaitMs }: ReadOptions,
  ): Promise<LogRead> {
    const { leaders, topicId } = await this.#cluster.view()
    if (topicId !== topic) return { kind: 'replaced' }
    const leader = leaders.get(partition)
    if (!leader) throw new NotSent(`partition ${partition} has no leader`)
    const part = { topicId, partition, leaderEpoch: leader.epoch, position, lastEpoch: -1 }
    // A broker works off one request of a connection after the other.
    const link = this.#cluster.link(maxWaitMs > 0 ? `follow ${partition}` : 'read', leader.broker)
    const call = fetchPart({ ...part, maxBytes, maxWaitMs })
    const { error, batches } = await link.request(call, maxWaitMs + answerTimeoutMs)
    if (error === 'OFFSET_OUT_OF_RANGE')
      return { kind: 'outOfRange', range: await logRange(this.#cluster, partition) }
    if (error !== 'NONE') throw new Error(`partition ${partition} from ${position}: ${error}`)
    const packed = new Batches({ bytes: batches, partition, position })
    const records = packed.take(portionBytes) // what else came is fetched again
    return { kind: 'records', records, next: packed.next }
  }

  #persistently<Answer>(signal: AbortSignal, ask: () => Promise<Answer>): Promise<Answer> {
    const [cluster, warn] = [this.#cluster, this.#warn]
    return persistently({ cluster, signal, warn, maxBackOffMs }, ask)
  }
}
