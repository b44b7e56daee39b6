/** kafkajs as its manual shows it: idempotent, acks=all; whoever uses it so takes a resolved `send` for written. */
import { Kafka, logLevel, type Producer } from 'kafkajs'

export interface PlainRecord {
  key: string
  /** Absent: the client chooses by the key, again at each attempt. */
  partition?: number
}

export interface PlainClient {
  /** Resolves when kafkajs says so. */
  send(topic: string, records: readonly PlainRecord[]): Promise<void>
  close(): Promise<void>
}

/** `retries` absent: kafkajs's own default, which for an idempotent producer has no end. */
export async function plainClient(
  brokers: string[],
  { retries }: { retries?: number } = {},
): Promise<PlainClient> {
  const retry = { initialRetryTime: 100, ...(retries === undefined ? {} : { retries }) }
  const kafka = new Kafka({ brokers, clientId: 'plain', logLevel: logLevel.NOTHING })
  const producer: Producer = kafka.producer({ idempotent: true, retry })
  await producer.connect()
  return {
    async send(topic, records) {
      await producer.send({
        topic,
        acks: -1,
        messages: records.map(record => ({ ...record, value: record.key })),
      })
    },
    close: () => producer.disconnect(),
  }
}
