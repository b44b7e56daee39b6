/** A writer meets records of a schema version that came after it. */
import { pino } from 'pino'
import { expect, onTestFinished, test, vi } from 'vitest'
import { migrate } from '#dataservice/migrate/migrate.ts'
import { envelope } from '#dataservice/record/envelope.ts'
import { engines } from '#e2e/engines/inject.ts'
import { type MigratedService, migratedService } from '#e2e/engines/migrated-database.ts'
import { logRecord, testVersion, uuid7At } from '#e2e/engines/records.ts'
import { versionsUpTo } from './known-versions.ts'
import { assign, playedWriter } from './testing/played-writer.ts'

const recordOf = (name: string) => ({
  schemaVersion: name,
  versions: [{ name, upgrade: [], check: () => undefined }],
})

/** A writer that started with this version. */
function writerOf(service: MigratedService, newest: string) {
  const database = service.open('writer')
  onTestFinished(() => database.close())
  return playedWriter(service.settings, database, {
    knownVersions: () => versionsUpTo(database, recordOf(newest)),
  })
}

async function migrateTo(service: MigratedService, schemaVersion: string): Promise<void> {
  const database = service.open('owner')
  const record = { ...service.record, schemaVersion }
  const log = pino({ level: 'silent' })
  const { signal } = new AbortController()
  await migrate({ database, settings: service.settings, record, log, signal }).finally(() => database.close())
}

const start = Date.now() - 10_000

const records = (first: number, versions: readonly string[]) =>
  versions.map((version, index) =>
    logRecord(BigInt(first + index), {
      body: '{}',
      id: uuid7At(start + index), // two ids of one moment have no order
      headers: { [envelope.schemaVersion]: version },
    }),
  )

async function versionsStored(service: MigratedService): Promise<unknown> {
  const owner = service.open('owner')
  const { rows } = await owner
    .query('SELECT schema_version FROM records ORDER BY id')
    .finally(() => owner.close())
  return rows.flat()
}

const soon = { timeout: 15_000, interval: 20 }

test('its partition waits for a writer that knows the version; nothing is refused or lost', async () => {
  const service = await migratedService(engines().postgres)
  const old = writerOf(service, testVersion)
  await assign(old.assignment, [0])
  await migrateTo(service, 'newer')
  const log = records(0, [testVersion, testVersion, 'newer', testVersion])
  void old.assignment.records(0, log)
  await vi.waitFor(
    () => expect(old.assignment.notReady()).toContain('stopped with SchemaVersionUnknown'),
    soon,
  )
  expect(old.assignment.notReady()).toContain('the record at offset 2 has the schema version "newer"')
  const { values } = await old.metrics.stopped.get()
  expect(values).toMatchObject([{ value: 1, labels: { partition: 0, reason: 'SchemaVersionUnknown' } }])
  expect(await versionsStored(service)).toEqual([testVersion, testVersion])
  // Another old one that gets the partition waits, too.
  const same = writerOf(service, testVersion)
  await assign(same.assignment, [0])
  void same.assignment.records(0, log.slice(1))
  await vi.waitFor(() => expect(same.assignment.notReady()).toContain('SchemaVersionUnknown'), soon)

  const next = writerOf(service, 'newer')
  await assign(next.assignment, [0])
  void next.assignment.records(0, log.slice(1))
  const all = [testVersion, testVersion, 'newer', testVersion]
  await vi.waitFor(async () => expect(await versionsStored(service)).toEqual(all), soon)
  expect(next.assignment.notReady()).toBeUndefined()
  await expect.poll(next.outcomes, soon).toEqual({ stored: 2 })
})

test('versions keep the order in which they came into force, also when one comes back', async () => {
  const service = await migratedService(engines().postgres)
  for (const version of ['b', 'c', 'b']) await migrateTo(service, version)
  const database = service.open('writer')
  onTestFinished(() => database.close())
  const known = async (newest: string) => {
    const versions = await versionsUpTo(database, recordOf(newest))
    return [testVersion, 'b', 'c', 'unheard of'].filter(version => versions.has(Buffer.from(version)))
  }
  expect(await known('b')).toEqual([testVersion, 'b', 'c'])
  expect(await known('c')).toEqual([testVersion, 'c'])
  expect(await known('unheard of')).toEqual(['unheard of'])
})
