import { constants, zstdCompressSync } from 'node:zlib'
import kafkajs from 'kafkajs'
import { type Connect, messagesOf, outcomesOf } from './client.ts'

const { CompressionCodecs, CompressionTypes, Kafka, logLevel } = kafkajs

/** It has no zstd of its own; the level is ours. */
const params = { [constants.ZSTD_c_compressionLevel]: 1 }
CompressionCodecs[CompressionTypes.ZSTD] = () => ({
  compress: async ({ buffer }: { buffer: Buffer }) => zstdCompressSync(buffer, { params }),
})

export const connectKafkajs: Connect = async ({ brokers, topic, sends }) => {
  const kafka = new Kafka({ brokers, clientId: 'bench', logLevel: logLevel.NOTHING })
  const isBatched = sends === 'batches'
  const producer = kafka.producer({ idempotent: isBatched })
  const compression = isBatched ? CompressionTypes.ZSTD : CompressionTypes.None
  await producer.connect()
  return {
    async append(batches) {
      const told = await producer.send({ topic, acks: -1, compression, messages: messagesOf(batches) })
      const offsets = told.map(({ partition, baseOffset = '-1' }) => [partition, BigInt(baseOffset)] as const)
      return outcomesOf(batches, new Map(offsets))
    },
    close: () => producer.disconnect(),
  }
}
