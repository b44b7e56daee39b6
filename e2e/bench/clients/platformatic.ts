import { ProduceAcks, Producer } from '@platformatic/kafka'
import { type Connect, messagesOf, outcomesOf } from './client.ts'

export const connectPlatformatic: Connect = async ({ brokers, topic, sends }) => {
  const isBatched = sends === 'batches'
  const producer = new Producer<Buffer, Buffer, string, string | Buffer>({
    bootstrapBrokers: brokers,
    clientId: 'bench',
    idempotent: isBatched,
    compression: isBatched ? 'zstd' : 'none',
    acks: ProduceAcks.ALL,
    serializers: {
      headerKey: name => Buffer.from(name ?? ''),
      headerValue: value => Buffer.from(value ?? ''),
    },
  })
  return {
    async append(batches) {
      const messages = messagesOf(batches).map(message => ({ topic, ...message }))
      const { offsets = [] } = await producer.send({ messages })
      return outcomesOf(batches, new Map(offsets.map(({ partition, offset }) => [partition, offset])))
    },
    close: () => producer.close(),
  }
}
