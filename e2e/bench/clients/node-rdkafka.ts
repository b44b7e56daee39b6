/** Native code that is built on demand (`install.ts`), so its types are named here. */
import { once } from 'node:events'
import { createRequire } from 'node:module'
import { join } from 'node:path'
import { type Connect, messagesOf, outcomesOf } from './client.ts'

interface Report {
  partition: number
  offset: number
  /** What `produce` was given. */
  opaque: Sending
}

interface Producer extends NodeJS.EventEmitter {
  connect(): void
  disconnect(): void
  setPollInterval(milliseconds: number): void
  produce(
    topic: string,
    partition: number,
    value: Buffer,
    key: Buffer,
    timestamp: number,
    opaque: Sending,
    headers: Record<string, string | Buffer>[],
  ): void
  on(event: 'delivery-report', listener: (error: Error | null, report: Report) => void): this
}

interface Library {
  Producer: new (settings: Record<string, unknown>) => Producer
}

/** One append: over when every record of it was reported. */
interface Sending {
  missing: number
  offsets: Map<number, bigint>
  done(): void
}

export const connectNodeRdkafka: Connect = async ({ brokers, topic, sends, folder = '' }) => {
  const library = createRequire(join(folder, 'package.json'))('node-rdkafka') as Library
  const isBatched = sends === 'batches'
  const producer = new library.Producer({
    'metadata.broker.list': brokers.join(','),
    'client.id': 'bench',
    'enable.idempotence': isBatched,
    acks: -1,
    'compression.codec': isBatched ? 'lz4' : 'none', // it is built without zstd
    'linger.ms': 1,
    dr_cb: true,
  })
  producer.on('delivery-report', (error, report) => reported(error, report))
  producer.connect()
  await once(producer, 'ready')
  producer.setPollInterval(1)
  return {
    async append(batches) {
      const messages = messagesOf(batches)
      const { promise, resolve } = Promise.withResolvers<void>()
      const sending: Sending = { missing: messages.length, offsets: new Map(), done: resolve }
      for (const { partition, value, key, headers } of messages) {
        const each = Object.entries(headers).map(([name, text]) => ({ [name]: text }))
        producer.produce(topic, partition, value, key, Date.now(), sending, each)
      }
      await promise
      return outcomesOf(batches, sending.offsets)
    },
    async close() {
      producer.disconnect()
      await once(producer, 'disconnected')
    },
  }
}

/** A record that failed leaves its partition without an offset. */
function reported(error: Error | null, { partition, offset, opaque }: Report): void {
  const known = opaque.offsets.get(partition)
  const told = error ? -1n : BigInt(offset)
  opaque.offsets.set(partition, known === undefined || told < known ? told : known)
  opaque.missing -= 1
  if (opaque.missing === 0) opaque.done()
}
