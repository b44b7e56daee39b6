/** Two writers over a real log: one is suspended, loses its partitions, and wakes up again. */
import { setTimeout as delay } from 'node:timers/promises'
import { expect, onTestFinished, test } from 'vitest'
import { credentialFiles } from '#dataservice/contract/names.ts'
import { createAppender } from '#dataservice/platform/kafka/appender.ts'
import type { NewRecord } from '#dataservice/platform/kafka/port.ts'
import { connectTopics, until } from '#dataservice/platform/kafka/testing/topics.ts'
import { type RoleProcess, startRole } from '#dataservice/testing/role-process.ts'
import { engines } from '#e2e/engines/inject.ts'
import { type MigratedService, migratedService } from '#e2e/engines/migrated-database.ts'
import { newRecord, uuid7At } from '#e2e/engines/records.ts'

const partitions = [0, 1, 2, 3]

async function world() {
  const { kafka, postgres } = engines()
  const brokers = kafka.bootstrapServers
  const topics = await connectTopics(brokers)
  const eventsTopic = await topics.create(partitions.map(() => [0]))
  await topics.close()
  const service = await migratedService(postgres)
  const log = { ...service.settings.log, brokers, eventsTopic, group: `${eventsTopic}.writer` }
  const settings = { ...service.settings, log }
  const appender = await createAppender({ brokers, topic: eventsTopic, clientId: 'test' })
  onTestFinished(() => appender.close())
  const sent = new Map<string, string>()
  const append = async (count: number) => {
    const batches = new Map(partitions.map(partition => [partition, [] as NewRecord[]]))
    for (let n = 0; n < count; n++) {
      const [id, body] = [uuid7At(Date.now()), `{"n": ${sent.size}}`]
      sent.set(id, body)
      batches.get(n % partitions.length)?.push(newRecord({ id, body }))
    }
    const outcomes = await appender.append(batches)
    expect([...outcomes.values()].map(({ kind }) => kind)).toEqual(partitions.map(() => 'appended'))
  }
  const startWriter = async () => {
    const credentials = { [credentialFiles.postgresPassword]: service.password('writer') }
    const writer = await startRole('writer', settings, { credentials })
    onTestFinished(() => writer.remove())
    await until(async () => (await writer.readiness()) === 200)
    return writer
  }
  return { service, sent, append, startWriter }
}

async function rowsOf(service: MigratedService): Promise<Map<string, string>> {
  const owner = service.open('owner')
  const { rows } = await owner.query('SELECT id, body FROM records').finally(() => owner.close())
  return new Map(rows.map(([id, body]) => [id ?? '', body ?? '']))
}

const claims = (writer: RoleProcess) => writer.log().split('"msg":"claimed"').length - 1

test('a writer that slept through a rebalance writes nothing twice and takes its share again', async () => {
  const { service, sent, append, startWriter } = await world()
  const sleeper = await startWriter()
  const other = await startWriter()
  await until(async () => claims(other) > 0)
  await append(2_000)
  await until(async () => (await rowsOf(service)).size === sent.size)

  sleeper.signal('SIGSTOP')
  onTestFinished(() => sleeper.signal('SIGCONT'))
  await append(2_000)
  const before = claims(other)
  await until(async () => claims(other) >= before + partitions.length)
  await append(2_000)
  await until(async () => (await rowsOf(service)).size === sent.size)

  sleeper.signal('SIGCONT')
  const woken = claims(sleeper)
  while (claims(sleeper) === woken) {
    await append(100)
    await delay(50)
  }
  await append(2_000)
  await until(async () => (await rowsOf(service)).size === sent.size)
  expect(await rowsOf(service)).toEqual(sent)
  await until(async () => /^dataservice_writer_lag_records\{partition="\d"\} 0$/m.test(await other.metrics()))
  expect(await other.metrics()).toMatch(/^dataservice_writer_lag_age_seconds\{partition="\d"\} 0$/m)
})
