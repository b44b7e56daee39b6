import { expect, onTestFinished, test, vi } from 'vitest'
import type { LogRecord } from '#dataservice/platform/kafka/port.ts'
import type { Database, DatabaseOptions } from '#dataservice/platform/postgres/database.ts'
import { engines } from '#e2e/engines/inject.ts'
import { type MigratedService, migratedService } from '#e2e/engines/migrated-database.ts'
import { logRecord, testVersion, uuid7At } from '#e2e/engines/records.ts'
import { soon } from '#e2e/engines/soon.ts'
import { assign, type PlayedOptions, playedWriter } from './testing/played-writer.ts'

const day = 86_400_000

/** One writer over a log that the test plays by hand. */
const writer = (service: MigratedService, options: PlayedOptions & { database?: Database } = {}) =>
  playedWriter(service.settings, options.database ?? open(service), options)

function open(service: MigratedService, changes: Partial<DatabaseOptions> = {}): Database {
  const database = service.open('writer', changes)
  onTestFinished(() => database.close())
  return database
}

function records(count: number, from = 0, body = (n: number) => `{"n": ${n} }`): LogRecord[] {
  return Array.from({ length: count }, (_, index) =>
    logRecord(BigInt(from + index), { body: body(from + index), id: uuid7At(Date.now() - 1_000) }),
  )
}

async function stored(service: MigratedService): Promise<Record<'rows' | 'next', number>> {
  const owner = service.open('owner')
  const { rows } = await owner.query(
    'SELECT (SELECT count(*) FROM records), (SELECT sum(next_offset) FROM ingest_offsets)',
  )
  await owner.close()
  return { rows: Number(rows[0]?.[0]), next: Number(rows[0]?.[1]) }
}

const untilStored = (service: MigratedService, wanted: Record<'rows' | 'next', number>) =>
  vi.waitFor(async () => expect(await stored(service)).toEqual(wanted), { timeout: 15_000, interval: 20 })

test('stores records with their bytes, and the position with them', async () => {
  const service = await migratedService(engines().postgres)
  const { assignment } = writer(service)
  expect(await assign(assignment, [0])).toEqual(new Map([[0, 0n]]))
  const body = '{"z":1e2,  "a":-0, "quote":"\\u00e9 \\\\ \\t","line":\n"ü"}'
  await assignment.records(0, [logRecord(0n, { body, key: 'tab\tback\\slash' })])
  await untilStored(service, { rows: 1, next: 1 })
  const { rows } = await service.open('owner').query('SELECT key, body, schema_version FROM records')
  expect(rows).toEqual([['tab\tback\\slash', body, testVersion]])
})

test('a replay from offset 0 stores nothing twice', async () => {
  const service = await migratedService(engines().postgres)
  const log = records(3_000)
  const first = writer(service)
  await assign(first.assignment, [0])
  await first.assignment.records(0, log)
  await untilStored(service, { rows: 3_000, next: 3_000 })
  const owner = service.open('owner')
  await owner.query('UPDATE ingest_offsets SET next_offset = 0, last_id = NULL')
  await owner.close()
  const second = writer(service)
  expect(await assign(second.assignment, [0])).toEqual(new Map([[0, 0n]]))
  await second.assignment.records(0, log)
  await untilStored(service, { rows: 3_000, next: 3_000 })
  await expect.poll(second.outcomes, soon).toEqual({ duplicate: 3_000 })
})

test('a record that stands twice in the log is stored once', async () => {
  const service = await migratedService(engines().postgres)
  const { assignment, outcomes } = writer(service)
  await assign(assignment, [0])
  const id = uuid7At(Date.now())
  const twice = [0n, 1n].map(offset => logRecord(offset, { body: '{}', id }))
  await assignment.records(0, [...twice, ...records(10, 2)])
  await untilStored(service, { rows: 11, next: 12 })
  await assignment.records(0, [logRecord(12n, { body: '{}', id }), ...records(10, 13)])
  await untilStored(service, { rows: 21, next: 23 })
  await expect.poll(outcomes, soon).toEqual({ stored: 21, duplicate: 2 })
})

test('a writer that lost its partition writes nothing more', async () => {
  const service = await migratedService(engines().postgres)
  const [zombie, heir] = [writer(service), writer(service)]
  await assign(zombie.assignment, [0])
  await assign(heir.assignment, [0])
  const log = records(20)
  void zombie.assignment.records(0, log)
  await heir.assignment.records(0, log)
  await untilStored(service, { rows: 20, next: 20 })
  await expect.poll(zombie.outcomes, soon).toEqual({})
  await expect.poll(heir.outcomes, soon).toEqual({ stored: 20 })
})

test('reads on at the last stored record and goes on when it is the one', async () => {
  const service = await migratedService(engines().postgres)
  const log = records(10)
  const first = writer(service)
  await assign(first.assignment, [0])
  await first.assignment.records(0, log)
  await untilStored(service, { rows: 10, next: 10 })
  const second = writer(service)
  expect(await assign(second.assignment, [0])).toEqual(new Map([[0, 9n]]))
  await second.assignment.records(0, [...log.slice(9), ...records(5, 10)])
  await untilStored(service, { rows: 15, next: 15 })
})

test.each([
  ['LogReplaced', 'another event at the last offset', {}, () => records(3, 9)],
  ['LogHole', 'records that start above the position', {}, () => records(3, 11)],
  ['LogReplaced', 'another cluster', { clusterId: 'other' }, () => []],
  ['LogGap', 'a log that starts above the position', { range: { start: 11n, end: 20n } }, () => []],
] as const)('stops with %s in front of %s', async (reason, _, options, next) => {
  const service = await migratedService(engines().postgres)
  const first = writer(service)
  await assign(first.assignment, [0])
  await first.assignment.records(0, records(10))
  await untilStored(service, { rows: 10, next: 10 })
  const { assignment, metrics } = writer(service, options)
  await assign(assignment, [0])
  void assignment.records(0, next())
  await vi.waitFor(() => expect(assignment.notReady()).toContain(`partition 0 stopped with ${reason}`), soon)
  expect((await metrics.stopped.get()).values).toMatchObject([{ value: 1, labels: { partition: 0, reason } }])
  expect(await stored(service)).toEqual({ rows: 10, next: 10 })
})

test('makes missing partitions, skips what is expired and refuses what is in the future', async () => {
  const service = await migratedService(engines().postgres, {
    partitioning: { by: 'Time', interval: 'Day', premake: 1, retainMs: 5 * day },
  })
  const { assignment, outcomes } = writer(service)
  await assign(assignment, [0])
  const ages = [-3, 0, -2, -20, 9]
  const log = ages.map((age, index) =>
    logRecord(BigInt(index), { body: '{}', id: uuid7At(Date.now() + age * day) }),
  )
  await assignment.records(0, log)
  await untilStored(service, { rows: 3, next: 5 })
  await expect.poll(outcomes, soon).toEqual({ stored: 3, expired: 1, future: 1 })
})
