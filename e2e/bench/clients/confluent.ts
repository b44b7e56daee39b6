/** Native code that is built on demand (`install.ts`), so its types are named here. */
import { createRequire } from 'node:module'
import { join } from 'node:path'
import { type Connect, messagesOf, outcomesOf, type PlainMessage } from './client.ts'

interface Producer {
  connect(): Promise<void>
  send(sent: {
    topic: string
    messages: PlainMessage[]
  }): Promise<{ partition: number; baseOffset?: string }[]>
  disconnect(): Promise<void>
}

interface Library {
  KafkaJS: {
    Kafka: new (settings: {
      kafkaJS: object
    }) => {
      producer(settings: Record<string, unknown>): Producer
    }
    logLevel: { NOTHING: number }
  }
}

export const connectConfluent: Connect = async ({ brokers, topic, sends, folder = '' }) => {
  const library = createRequire(join(folder, 'package.json'))('@confluentinc/kafka-javascript') as Library
  const { Kafka, logLevel } = library.KafkaJS
  const kafka = new Kafka({ kafkaJS: { brokers, clientId: 'bench', logLevel: logLevel.NOTHING } })
  const isBatched = sends === 'batches'
  const producer = kafka.producer({
    kafkaJS: { acks: -1, idempotent: isBatched },
    'compression.codec': isBatched ? 'lz4' : 'none', // it is built without zstd
    'linger.ms': 1,
  })
  await producer.connect()
  return {
    async append(batches) {
      const told = await producer.send({ topic, messages: messagesOf(batches) })
      const offsets = told.map(({ partition, baseOffset = '-1' }) => [partition, BigInt(baseOffset)] as const)
      return outcomesOf(batches, new Map(offsets))
    },
    close: () => producer.disconnect(),
  }
}
