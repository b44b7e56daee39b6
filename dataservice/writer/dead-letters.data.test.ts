/** A writer over a real log: what it cannot store is in the topic of dead letters, also when that comes up late. */
import { expect, onTestFinished, test } from 'vitest'
import { credentialFiles } from '#dataservice/contract/names.ts'
import { createAppender } from '#dataservice/platform/kafka/appender.ts'
import { createConsumer } from '#dataservice/platform/kafka/consumer.ts'
import type { LogRecord, NewRecord } from '#dataservice/platform/kafka/port.ts'
import { connectTopics, until } from '#dataservice/platform/kafka/testing/topics.ts'
import { deadLetterHeaders, envelope } from '#dataservice/record/envelope.ts'
import { startRole } from '#dataservice/testing/role-process.ts'
import { engines } from '#e2e/engines/inject.ts'
import { migratedService } from '#e2e/engines/migrated-database.ts'
import { newRecord } from '#e2e/engines/records.ts'

async function world() {
  const { kafka, postgres } = engines()
  const brokers = kafka.bootstrapServers
  const topics = await connectTopics(brokers)
  onTestFinished(() => topics.close())
  const eventsTopic = await topics.create([[0], [0]])
  const deadLettersTopic = `${eventsTopic}-dead`
  const service = await migratedService(postgres)
  const log = {
    ...service.settings.log,
    brokers,
    eventsTopic,
    deadLettersTopic,
    group: `${eventsTopic}.writer`,
  }
  const appender = await createAppender({ brokers, topic: eventsTopic, clientId: 'test' })
  const owner = service.open('owner')
  onTestFinished(async () => void (await Promise.all([appender.close(), owner.close()])))
  const startWriter = async () => {
    const credentials = { [credentialFiles.postgresPassword]: service.password('writer') }
    const writer = await startRole('writer', { ...service.settings, log }, { credentials })
    onTestFinished(() => writer.remove())
    return writer
  }
  const append = async (partition: number, records: NewRecord[]) => {
    const outcomes = await appender.append(new Map([[partition, records]]))
    expect(outcomes.get(partition)?.kind).toBe('appended')
  }
  const number = async (text: string) => Number((await owner.query(text)).rows[0]?.[0])
  return { topics, brokers, deadLettersTopic, startWriter, append, number }
}

/** The first records of a topic with one partition. */
async function readTopic(brokers: string[], topic: string, count: number): Promise<LogRecord[]> {
  const found: LogRecord[] = []
  const consumer = createConsumer({
    brokers,
    topic,
    clientId: 'test',
    group: `${topic}.test`,
    warn: () => {},
  })
  const done = consumer.run({
    assigned: async (_, read) => read(0, 0n),
    revoked: () => {},
    records: async (_, records) => void found.push(...records),
    outOfRange: () => {},
    unreadable: () => {},
  })
  await until(() => found.length >= count)
  await consumer.stop()
  await done
  return found
}

const texts = ({ headers }: LogRecord) =>
  Object.fromEntries([...headers.entries()].map(([name, bytes]) => [name, String(bytes)]))

test('what the database refuses goes to its topic with all it has, once that exists; the rest is stored', async () => {
  const { topics, brokers, deadLettersTopic, startWriter, append, number } = await world()
  const refused = newRecord({ body: '{"broken":', key: 'customer 1' })
  const foreign: NewRecord = {
    key: Buffer.from('k'),
    value: Buffer.from('hello'),
    headers: { from: 'elsewhere' },
  }
  const good = Array.from({ length: 50 }, (_, n) => newRecord({ body: `{"n":${n}}` }))
  await append(0, [...good.slice(0, 20), refused, ...good.slice(20)])
  await append(1, [foreign])
  const writer = await startWriter()
  await until(async () => (await number('SELECT sum(next_offset) FROM ingest_offsets')) === 52)
  expect(await number('SELECT count(*) FROM records')).toBe(50)
  expect(await number('SELECT count(*) FROM dead_letters')).toBe(2)
  await until(() => writer.log().includes(`the log ${deadLettersTopic} cannot be reached yet`))
  expect(await writer.readiness()).toBe(200)
  expect(await writer.metrics()).toMatch(/^dataservice_writer_dead_letters_waiting [12]$/m)

  await topics.create([[0]], deadLettersTopic)
  await until(async () => (await number('SELECT count(*) FROM dead_letters WHERE relayed_at IS NULL')) === 0)
  const found = await readTopic(brokers, deadLettersTopic, 2)
  expect(found).toHaveLength(2)
  const [first, second] = found.toSorted(
    (a, b) => Number(texts(a).dataservice_partition) - Number(texts(b).dataservice_partition),
  )
  expect([String(first?.key), String(first?.value)]).toEqual(['customer 1', '{"broken":'])
  expect(first && texts(first)).toMatchObject({
    [envelope.eventId]: refused.headers[envelope.eventId],
    [deadLetterHeaders.offset]: '20',
    [deadLetterHeaders.sqlState]: '22P02',
  })
  expect(String(second?.value)).toBe('hello')
  expect(second && texts(second)).toMatchObject({ from: 'elsewhere', [deadLetterHeaders.reason]: 'no ce_id' })
  await until(async () => /^dataservice_writer_dead_letters_waiting 0$/m.test(await writer.metrics()))
})
