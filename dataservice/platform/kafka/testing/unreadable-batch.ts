/** A batch of one record that unpacks to more than anybody here takes: some producer of others, by mistake or not. */
import { CompressionTypes, Kafka, logLevel } from 'kafkajs'
import { maxUnpackedBytes } from '../unpack.ts'

export async function appendUnreadable(brokers: string[], topic: string): Promise<void> {
  const kafka = new Kafka({ brokers, clientId: 'stranger', logLevel: logLevel.NOTHING })
  const producer = kafka.producer()
  await producer.connect()
  try {
    const messages = [{ partition: 0, value: Buffer.alloc(maxUnpackedBytes) }]
    await producer.send({ topic, compression: CompressionTypes.GZIP, messages })
  } finally {
    await producer.disconnect()
  }
}
