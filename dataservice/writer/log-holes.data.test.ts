/** What the log does not give, or not any more: the writer says which way, and its remedy leads on. */
import { Kafka, logLevel } from 'kafkajs'
import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest'
import { createAppender } from '#dataservice/platform/kafka/appender.ts'
import { createConsumer } from '#dataservice/platform/kafka/consumer.ts'
import { connectTopics, type Topics, until } from '#dataservice/platform/kafka/testing/topics.ts'
import { appendUnreadable } from '#dataservice/platform/kafka/testing/unreadable-batch.ts'
import { engines } from '#e2e/engines/inject.ts'
import { migratedService } from '#e2e/engines/migrated-database.ts'
import { newRecord } from '#e2e/engines/records.ts'
import { playedWriter } from './testing/played-writer.ts'

let topics: Topics

beforeAll(async () => {
  topics = await connectTopics(engines().kafka.bootstrapServers)
})
afterAll(() => topics.close())

/** A topic with one partition, a database, and writers one after the other. */
async function world() {
  const brokers = engines().kafka.bootstrapServers
  const topic = await topics.create([[0]])
  const service = await migratedService(engines().postgres)
  const appender = await createAppender({ brokers, topic, clientId: 'append' })
  const owner = service.open('owner')
  onTestFinished(async () => {
    await appender.close()
    await owner.close()
  })
  const append = async (count: number) => {
    const records = Array.from({ length: count }, () => newRecord({ body: '{}' }))
    await appender.append(new Map([[0, records]]))
  }
  const start = () => {
    const database = service.open('writer')
    const consumer = createConsumer({ brokers, topic, group: `${topic}.writers`, clientId: 'writer' })
    const { assignment } = playedWriter(service.settings, database, { consumer })
    consumer.run(assignment).catch(() => {}) // what is not stored tells it
    onTestFinished(async () => {
      await consumer.stop()
      await database.close()
    })
    return { assignment, stop: () => consumer.stop() }
  }
  const untilStored = (next: number) =>
    until(async () => {
      const { rows } = await owner.query('SELECT next_offset FROM ingest_offsets')
      return Number(rows[0]?.[0]) === next
    })
  const untilStopped = (assignment: ReturnType<typeof start>['assignment']) =>
    until(() => assignment.notReady()?.includes('stopped') === true)
  return { brokers, topic, owner, append, start, untilStored, untilStopped }
}

test('a log that begins behind what is stored is a gap, until the position follows it', async () => {
  const { topic, owner, append, start, untilStored, untilStopped } = await world()
  await append(10)
  const first = start()
  await untilStored(10)
  await first.stop()
  await append(10)
  await topics.deleteBelow(topic, 0, 15)
  const second = start()
  await untilStopped(second.assignment)
  expect(second.assignment.notReady()).toContain(
    'partition 0 stopped with LogGap: next to read is 10, the log starts at 15; ',
  )
  await second.stop()
  await owner.query('UPDATE ingest_offsets SET next_offset = 15')
  start()
  await untilStored(20)
})

test('a hole inside the log has a reason of its own, and its remedy leads over it', async () => {
  const { brokers, topic, owner, append, start, untilStored, untilStopped } = await world()
  await append(10)
  const first = start()
  await untilStored(10)
  const kafka = new Kafka({ brokers, clientId: 'stranger', logLevel: logLevel.NOTHING })
  const stranger = kafka.producer({ transactionalId: topic, maxInFlightRequests: 1, idempotent: true })
  await stranger.connect()
  const transaction = await stranger.transaction()
  await transaction.send({ topic, messages: [{ value: 'not ours' }] })
  await transaction.commit()
  await stranger.disconnect()
  await until(async () => (await topics.counts(topic))[0] === 12) // with the marker of its commit
  await append(10)
  await untilStopped(first.assignment)
  const hole = 'partition 0 stopped with LogHole: stored up to offset 9, the log goes on at offset 12; '
  expect(first.assignment.notReady()).toContain(hole)
  await first.stop()
  const second = start()
  await untilStopped(second.assignment)
  expect(second.assignment.notReady()).toContain(hole)
  await second.stop()
  await owner.query('UPDATE ingest_offsets SET next_offset = 12, last_id = NULL')
  const third = start()
  await untilStored(22)
  expect(third.assignment.notReady()).toBeUndefined()
})

test('a batch that nobody can read stops its partition, and the remedy leads over it', async () => {
  const { brokers, topic, owner, append, start, untilStored, untilStopped } = await world()
  await append(10)
  await appendUnreadable(brokers, topic)
  await append(10)
  const first = start()
  await untilStopped(first.assignment)
  await untilStored(10)
  expect(first.assignment.notReady()).toContain(
    'partition 0 stopped with LogUnreadable: from offset 10 on: the batch of the offsets 10 to 10 of partition 0 unpacks',
  )
  await first.stop()
  await owner.query('UPDATE ingest_offsets SET next_offset = 11, last_id = NULL')
  start()
  await untilStored(21)
})
