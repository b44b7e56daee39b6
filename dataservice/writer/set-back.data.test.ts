/** The database is set back behind the writer, as a replica that lacked the end of the old primary does. */
import { setTimeout as delay } from 'node:timers/promises'
import { expect, onTestFinished, test, vi } from 'vitest'
import { credentialFiles } from '#dataservice/contract/names.ts'
import { createAppender } from '#dataservice/platform/kafka/appender.ts'
import type { LogRecord } from '#dataservice/platform/kafka/port.ts'
import { connectTopics } from '#dataservice/platform/kafka/testing/topics.ts'
import { startRole } from '#dataservice/testing/role-process.ts'
import { engines } from '#e2e/engines/inject.ts'
import { type MigratedService, migratedService } from '#e2e/engines/migrated-database.ts'
import { logRecord, newRecord, uuid7At } from '#e2e/engines/records.ts'
import { soon } from '#e2e/engines/soon.ts'
import { assign, playedWriter, proxiedWriter } from './testing/played-writer.ts'

/** What the database holds, and a way back to it. */
function open(service: MigratedService) {
  const owner = service.open('owner')
  onTestFinished(() => owner.close())
  const ids = async () =>
    (await owner.query('SELECT id FROM records ORDER BY id')).rows.map(([id]) => id ?? '')
  const untilStored = (count: number) =>
    vi.waitFor(
      async () => {
        const { rows } = await owner.query('SELECT sum(next_offset) FROM ingest_offsets')
        expect(rows).toEqual([[String(count)]])
      },
      { timeout: 30_000, interval: 50 },
    )
  /** Answers what sets the database back to now. */
  const remember = async () => {
    const kept = await ids()
    const { rows } = await owner.query('SELECT next_offset, last_id FROM ingest_offsets')
    const [next, last] = rows[0] ?? []
    return async () => {
      await owner.query({
        text: 'DELETE FROM records WHERE id::text NOT IN (SELECT json_array_elements_text($1::json))',
        values: [JSON.stringify(kept)],
      })
      await owner.query({
        text: 'UPDATE ingest_offsets SET next_offset = $1, last_id = $2',
        values: [next ?? null, last ?? null],
      })
    }
  }
  return { owner, ids, untilStored, remember }
}

const records = (count: number, from = 0): LogRecord[] =>
  Array.from({ length: count }, (_, n) =>
    logRecord(BigInt(from + n), { body: '{}', id: uuid7At(Date.now()) }),
  )

const calm = (failed: Promise<never>, milliseconds: number) =>
  Promise.race([failed, delay(milliseconds).then(() => 'calm')])

test('a quiet writer notices that the database lost its end, and the next one stores it again', async () => {
  const { kafka, postgres } = engines()
  const brokers = kafka.bootstrapServers
  const topics = await connectTopics(brokers)
  const eventsTopic = await topics.create([[0]])
  await topics.close()
  const service = await migratedService(postgres)
  const log = { ...service.settings.log, brokers, eventsTopic, group: `${eventsTopic}.writer` }
  const { ids, untilStored, remember } = open(service)
  const appender = await createAppender({ brokers, topic: eventsTopic, clientId: 'test' })
  onTestFinished(() => appender.close())
  const sent: string[] = []
  const append = async (count: number) => {
    const added = Array.from({ length: count }, () => uuid7At(Date.now()))
    sent.push(...added)
    await appender.append(new Map([[0, added.map(id => newRecord({ id, body: '{}' }))]]))
  }
  const startWriter = async () => {
    const credentials = { [credentialFiles.postgresPassword]: service.password('writer') }
    const writer = await startRole('writer', { ...service.settings, log }, { credentials })
    onTestFinished(() => writer.remove())
    return writer
  }
  const writer = await startWriter()
  await append(90)
  await untilStored(90)
  const setBack = await remember()
  await append(10)
  await untilStored(100)

  await setBack()
  expect(await ids()).toHaveLength(90)
  const ends = await Promise.race([writer.exitCode, delay(30_000).then(() => 'still there')])
  expect(ends).toBe(1)
  expect(writer.log()).toContain('the stored position of partition 0 is not where it was left')
  await startWriter()
  await untilStored(100)
  expect(await ids()).toEqual(sent.toSorted())
})

test('what is committed while the database is asked is no false alarm', async () => {
  const service = await migratedService(engines().postgres)
  const { untilStored } = open(service)
  const database = service.open('writer')
  onTestFinished(() => database.close())
  const { assignment, lines } = playedWriter(service.settings, database, { maxRecords: 10 })
  await assign(assignment, [0])
  const taken = assignment.records(0, records(1_000))
  let asked = 0
  for (; assignment.positions().get(0) !== 1_000n; asked++) await assignment.verify()
  await taken
  await untilStored(1_000)
  expect(asked).toBeGreaterThan(1)
  expect(await calm(assignment.failed, 100)).toBe('calm')
  expect(lines).toEqual([])
})

test('a database that is away is no failure', async () => {
  const service = await migratedService(engines().postgres)
  const { untilStored, remember } = open(service)
  const limits = { statementTimeoutMs: 300, networkGraceMs: 200 }
  const { assignment, proxy } = await proxiedWriter(service, limits)
  await assign(assignment, [0])
  const setBack = await remember()
  await assignment.records(0, records(5))
  await untilStored(5)
  await vi.waitFor(() => expect(assignment.positions().get(0)).toBe(5n), soon)
  await setBack()
  proxy.failAt('SELECT current_setting', 'cut-before')
  await assignment.verify()
  await proxy.happened()
  expect(await calm(assignment.failed, 100)).toBe('calm')
  await assignment.verify()
  await expect(assignment.failed).rejects.toThrow('stored position of partition 0')
})

test('a replica that is yet to be promoted is not believed, and not asked again', async () => {
  const service = await migratedService(engines().postgres)
  const { untilStored, remember } = open(service)
  const database = service.open('writer', { poolSize: 1 })
  onTestFinished(() => database.close())
  const { assignment } = playedWriter(service.settings, database)
  await assign(assignment, [0])
  const setBack = await remember()
  await assignment.records(0, records(5))
  await untilStored(5)
  await setBack()
  await database.query('SET default_transaction_read_only = on')
  await assignment.verify()
  expect(await calm(assignment.failed, 100)).toBe('calm')
  await assignment.verify() // by a new connection, which finds the primary
  await expect(assignment.failed).rejects.toThrow('stored position of partition 0')
})

test('a quiet partition whose claim is not ours is given up', async () => {
  const service = await migratedService(engines().postgres)
  const { owner } = open(service)
  const database = service.open('writer')
  onTestFinished(() => database.close())
  const { assignment } = playedWriter(service.settings, database, { lostForMs: 100 })
  await assign(assignment, [0])
  await owner.query(`UPDATE ingest_offsets SET epoch = 0, claimed_by = 'an earlier one'`)
  await assignment.verify()
  await expect(assignment.failed).rejects.toThrow('another writer claimed partition 0')
})
