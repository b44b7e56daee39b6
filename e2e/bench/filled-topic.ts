/** A topic that holds records as the gateway appends them. */
import { createAppender } from '#dataservice/platform/kafka/appender.ts'
import { connectTopics } from '#dataservice/platform/kafka/testing/topics.ts'
import { newRecord, uuid7At } from '#e2e/engines/records.ts'
import { order } from './records.ts'

export interface Filled {
  topic: string
  /** In the order of the log. */
  records: { id: string; key: string; body: string }[]
}

const together = 1_000

/** One partition with so many records of about so many bytes. */
export async function filledTopic(brokers: string[], count: number, bytes: number): Promise<Filled> {
  const topics = await connectTopics(brokers)
  const topic = await topics.create([[0]])
  await topics.close()
  const records = Array.from({ length: count }, (_, number) => ({
    id: uuid7At(Date.now()),
    key: `customer-${number % 10_000}`,
    body: order(number, bytes),
  }))
  const appender = await createAppender({ brokers, topic, clientId: 'bench' })
  for (let at = 0; at < count; at += together) {
    const batch = records.slice(at, at + together).map(newRecord)
    const outcome = (await appender.append(new Map([[0, batch]]))).get(0)
    if (outcome?.kind !== 'appended')
      throw new Error(`the topic could not be filled: ${JSON.stringify(outcome)}`)
  }
  await appender.close()
  return { topic, records }
}
