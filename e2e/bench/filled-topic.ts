/** A topic that holds records as the gateway appends them. */
import { createAppender } from '#dataservice/platform/kafka/appender.ts'
import { connectTopics } from '#dataservice/platform/kafka/testing/topics.ts'
import { newRecord, type TestRecord, uuid7At } from '#e2e/engines/records.ts'
import { order } from './records.ts'

export interface Filled {
  topic: string
  /** In the order of the log. */
  records: { id: string; key: string; body: string }[]
}

/** In one batch: as many as a gateway has together at 10,000 requests/s (`sustained`). */
const together = 60
/** One record of so many was sent before: 1 %. */
const resentEach = 100
/** How many records lie between a record and its resend, at most: an answer that was lost is asked for again soon. */
const farthest = 10_000

export interface Filling {
  count: number
  /** Of each body, about. */
  bytes: number
  /** Default false: each record is another one. */
  withResends?: boolean
}

/** One partition with so many orders. */
export async function filledTopic(
  brokers: string[],
  { count, bytes, withResends = false }: Filling,
): Promise<Filled> {
  const records = Array.from({ length: count }, (_, number) => ({
    id: uuid7At(Date.now()),
    key: `customer-${number % 10_000}`,
    body: order(number, bytes),
  }))
  if (withResends) resend(records)
  return { topic: await topicOf(brokers, records), records }
}

/** A new topic of one partition with these records; answers its name. */
export async function topicOf(brokers: string[], records: readonly TestRecord[]): Promise<string> {
  const topics = await connectTopics(brokers)
  const topic = await topics.create([[0]])
  await topics.close()
  const appender = await createAppender({ brokers, topic, clientId: 'bench' })
  for (let at = 0; at < records.length; at += together) {
    const batch = records.slice(at, at + together).map(newRecord)
    const outcome = (await appender.append(new Map([[0, batch]]))).get(0)
    if (outcome?.kind !== 'appended')
      throw new Error(`the topic could not be filled: ${JSON.stringify(outcome)}`)
  }
  await appender.close()
  return topic
}

/** Puts earlier records in the place of some; where they come from varies, and is the same in every run. */
function resend(records: Filled['records']): void {
  for (let at = resentEach; at < records.length; at += resentEach) {
    const earlier = records[at - 1 - ((at * 7_919) % Math.min(at, farthest))]
    if (earlier) records[at] = earlier
  }
}
