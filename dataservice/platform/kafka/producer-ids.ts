/** Producer ids: Kafka drops what comes twice under the same id and sequence. A doubtful id is never used again. */
import { initProducerIdV4 } from '@platformatic/kafka'
import type { EncodedBatch, Sequence } from './batch-encoder.ts'
import type { Cluster } from './cluster.ts'

const timeoutMs = 2000
const sequences = 2 ** 31

/** Numbers batches. */
export interface Producer {
  sequence(partition: number): Sequence
  /** The batch is in the log: the next one of this partition follows it. */
  advance(partition: number, batch: EncodedBatch): void
}

export interface Producers {
  /** The one for what goes out next. Rejects when no broker gives one. */
  current(): Promise<Producer>
  /** Throws one away: its numbers are in doubt. */
  discard(producer: Producer): Promise<void>
}

/** Without an id nobody takes a batch that comes twice for one. */
const plain: Producer = {
  sequence: () => ({ producerId: -1n, producerEpoch: -1, first: -1 }),
  advance: () => {},
}
export const plainProducers: Producers = { current: async () => plain, discard: async () => {} }

/** One producer id and the next sequence of each partition under it. */
class IdempotentProducer implements Producer {
  readonly #id: bigint
  readonly #epoch: number
  readonly #next = new Map<number, number>()

  constructor(id: bigint, epoch: number) {
    this.#id = id
    this.#epoch = epoch
  }

  sequence(partition: number): Sequence {
    return { producerId: this.#id, producerEpoch: this.#epoch, first: this.#next.get(partition) ?? 0 }
  }

  advance(partition: number, { count }: EncodedBatch): void {
    this.#next.set(partition, (this.sequence(partition).first + count) % sequences)
  }
}

export class ProducerIds implements Producers {
  readonly #cluster: Cluster
  #current: Promise<Producer> | undefined

  constructor(cluster: Cluster) {
    this.#cluster = cluster
  }

  /** The id for what goes out next; asks a broker for one when there is none. Rejects when no broker gives one. */
  current(): Promise<Producer> {
    if (this.#current) return this.#current
    const asked = this.#ask()
    this.#current = asked
    asked.catch(() => {
      if (this.#current === asked) this.#current = undefined
    })
    return asked
  }

  /** Throws an id away, and asks for another at once unless that was done already. */
  async discard(producer: Producer): Promise<void> {
    const asked = this.#current
    if (!asked || (await asked.catch(() => undefined)) !== producer || this.#current !== asked) return
    this.#current = undefined
    this.current().catch(() => {}) // whoever needs it asks again
  }

  async #ask(): Promise<Producer> {
    const { producerId, producerEpoch } = await this.#cluster.askAny<initProducerIdV4.InitProducerIdResponse>(
      (connection, done) => initProducerIdV4.api(connection, null, 0, -1n, -1, done),
      timeoutMs,
    )
    return new IdempotentProducer(producerId, producerEpoch)
  }
}
