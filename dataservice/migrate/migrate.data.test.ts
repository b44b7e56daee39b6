import { pino } from 'pino'
import { beforeAll, describe, expect, onTestFinished, test } from 'vitest'
import type { Settings } from '#dataservice/contract/settings.ts'
import type { Database } from '#dataservice/platform/postgres/database.ts'
import { indexDefinition } from '#dataservice/platform/postgres/record-fields.ts'
import { engines } from '#e2e/engines/inject.ts'
import { uuid7At } from '#e2e/engines/records.ts'
import { type ServiceDatabase, serviceDatabase } from '#e2e/engines/service-database.ts'
import { acceptedRecord, naturalIds, testSettings } from '#e2e/engines/service-settings.ts'
import { migrate } from './migrate.ts'
import { stepsFor } from './tables.ts'

const log = pino({ level: 'silent' })
const day = 86_400_000
const record = acceptedRecord()

function open(service: ServiceDatabase, user: 'owner' | 'writer' | 'reader'): Database {
  const database = service.open(user)
  onTestFinished(() => database.close())
  return database
}

async function migrated(service: ServiceDatabase, changes: Partial<Settings> = {}): Promise<void> {
  const database = service.open('owner')
  const settings = testSettings(service.store, changes)
  await migrate({ database, settings, record, log, signal: new AbortController().signal }).finally(() =>
    database.close(),
  )
}

/** Everything that a migration makes, as text. */
async function catalogue(database: Database): Promise<unknown> {
  const queries = [
    `SELECT c.relname, c.relkind, c.relacl FROM pg_class c WHERE relnamespace = 'dataservice'::regnamespace ORDER BY 1`,
    `SELECT proname, proacl, md5(prosrc) FROM pg_proc WHERE pronamespace = 'dataservice'::regnamespace ORDER BY 1`,
    `SELECT indexrelid::regclass::text, indisvalid, pg_get_indexdef(indexrelid) FROM pg_index i
      JOIN pg_class c ON c.oid = indrelid WHERE relnamespace = 'dataservice'::regnamespace ORDER BY 1`,
    'SELECT name, value FROM service_facts ORDER BY 1',
    'SELECT version, name, applied_at FROM migrations ORDER BY 1',
  ]
  return Promise.all(queries.map(text => database.query(text).then(({ rows }) => rows)))
}

const insert = `INSERT INTO records VALUES ($1, 'k', now(), 'v', $2)`
const ensure = 'SELECT ensure_partition($1)'

let shared: ServiceDatabase
beforeAll(async () => {
  shared = await serviceDatabase(engines().postgres)
  await migrated(shared, { partitioning: { by: 'Time', interval: 'Day', premake: 3, retainMs: 10 * day } })
})

test('a second migration changes nothing', async () => {
  const service = await serviceDatabase(engines().postgres)
  const owner = open(service, 'owner')
  await migrated(service)
  const first = await catalogue(owner)
  await migrated(service)
  expect(await catalogue(owner)).toEqual(first)
})

test('two migrations at once both end well', async () => {
  const service = await serviceDatabase(engines().postgres)
  await Promise.all([migrated(service), migrated(service)])
  const { rows } = await open(service, 'owner').query('SELECT version FROM migrations ORDER BY 1')
  const { partitioning } = testSettings(service.store)
  expect(rows).toEqual(stepsFor(partitioning).map(({ version }) => [String(version)]))
})

test('makes today and the partitions ahead, each with every index, all valid', async () => {
  const owner = open(shared, 'owner')
  const partitions = await owner.query(
    `SELECT count(*) FROM pg_inherits WHERE inhparent = 'records'::regclass`,
  )
  expect(partitions.rows).toEqual([['4']])
  const { rows } = await owner.query(
    `SELECT count(*), count(*) FILTER (WHERE indisvalid) FROM pg_index i JOIN pg_class c ON c.oid = i.indrelid
     WHERE c.relname LIKE 'records%'`,
  )
  const each = 1 + record.indexes.length
  expect(rows).toEqual([[String(5 * each), String(5 * each)]])
})

test('refuses data that was stored under another declaration', async () => {
  const service = await serviceDatabase(engines().postgres)
  await migrated(service)
  const other = migrated(service, { partitioning: { by: 'Time', interval: 'Month', premake: 1 } })
  await expect(other).rejects.toThrow(
    'RetainedDataDiffers: spec.postgres.partitioning.interval was Day when the data was stored and is Month now',
  )
})

test('an index declared later reaches partitions that hold records, and a cut-off build is taken up', async () => {
  const service = await serviceDatabase(engines().postgres)
  const owner = service.open('owner')
  onTestFinished(() => owner.close())
  const signal = new AbortController().signal
  const settings = testSettings(service.store)
  await migrate({ database: owner, settings, record: { ...record, indexes: [] }, log, signal })
  await owner.query({ text: insert, values: [uuid7At(Date.now()), '{"customer":"a","amount":1e2}'] })
  const [index] = record.indexes
  if (!index) throw new Error('the test service declares no index')
  await owner.query(`CREATE INDEX "${index.name}" ON ONLY records ${indexDefinition(index, 'Time')}`)
  await migrate({ database: owner, settings, record, log, signal })
  const { rows } = await owner.query('SELECT count(*) FILTER (WHERE NOT indisvalid) FROM pg_index')
  expect(rows).toEqual([['0']])
})

test('an index is built partition by partition while records come in', async () => {
  const service = await serviceDatabase(engines().postgres)
  const [owner, writer] = [open(service, 'owner'), open(service, 'writer')]
  const signal = new AbortController().signal
  const settings = testSettings(service.store, { partitioning: { by: 'Time', interval: 'Day', premake: 3 } })
  await migrate({ database: owner, settings, record: { ...record, indexes: [] }, log, signal })
  const body = '{"customer":"a","amount":1}'
  const write = (days: number) =>
    writer.query({ text: insert, values: [uuid7At(Date.now() + days * day), body] })
  let written = 0
  for (; written < 40; written++) await write(written % 4)
  const state = { isBuilt: false }
  const before = written
  const writing = (async () => {
    for (; !state.isBuilt; written++) await write(written % 4)
  })()
  const [index] = record.indexes
  if (!index) throw new Error('the test service declares no index')
  await migrate({ database: owner, settings, record: { ...record, indexes: [index] }, log, signal }).finally(
    () => {
      state.isBuilt = true
    },
  )
  await writing
  expect(written).toBeGreaterThan(before)
  const parts = await owner.query(
    `SELECT count(*), bool_and(indisvalid) FROM pg_index i JOIN pg_inherits h ON h.inhrelid = i.indexrelid
     WHERE h.inhparent = '"${index.name}"'::regclass`,
  )
  expect(parts.rows).toEqual([['4', 't']])
  await owner.query('SET enable_seqscan = off')
  const found = await owner.query({
    text: `SELECT count(*) FROM records WHERE (body #>> '{customer}') COLLATE "C" = $1`,
    values: ['a'],
  })
  expect(found.rows).toEqual([[String(written)]])
})

test.each([
  ['the first moment of the retained time', -9 * day, 'ready'],
  ['a day whose end is beyond the retention', -12 * day, 'expired'],
  ['the last day made ahead', 3 * day, 'ready'],
  ['a day after those made ahead', 5 * day, 'future'],
])('ensure_partition for %s', async (_, offset, answer) => {
  const writer = open(shared, 'writer')
  const id = uuid7At(Date.now() + offset)
  expect((await writer.query({ text: ensure, values: [id] })).rows).toEqual([[answer]])
  const stored = writer.query({ text: insert, values: [id, '{}'] })
  if (answer === 'ready') expect((await stored).count).toBe(1)
  else await expect(stored).rejects.toMatchObject({ kind: 'missing-partition', sqlState: '23514' })
})

test('the bounds of a partition are the first and the last millisecond of its day', async () => {
  const writer = open(shared, 'writer')
  const start = Math.floor(Date.now() / day) * day - 5 * day
  await writer.query({ text: ensure, values: [uuid7At(start + day / 2)] })
  for (const moment of [start, start + day - 1]) {
    expect((await writer.query({ text: insert, values: [uuid7At(moment), '{}'] })).count).toBe(1)
  }
  for (const moment of [start - 1, start + day]) {
    const refused = writer.query({ text: insert, values: [uuid7At(moment), '{}'] })
    await expect(refused).rejects.toMatchObject({ kind: 'missing-partition' })
  }
})

test('eight writers may ask for the same missing partition at once', async () => {
  const writer = shared.open('writer', { poolSize: 8 })
  onTestFinished(() => writer.close())
  const id = uuid7At(Date.now() - 7 * day)
  const answers = await Promise.all(
    Array.from({ length: 8 }, () => writer.query({ text: ensure, values: [id] })),
  )
  expect(answers.map(({ rows }) => rows[0]?.[0])).toEqual(Array(8).fill('ready'))
})

test('inserts into other partitions go on while a partition is made', async () => {
  const [one, other] = [open(shared, 'writer'), open(shared, 'writer')]
  await one.transaction(async session => {
    await session.query({ text: insert, values: [uuid7At(Date.now()), '{}'] })
    const answer = await other.query({ text: ensure, values: [uuid7At(Date.now() - 4 * day)] })
    expect(answer.rows).toEqual([['ready']])
  })
})

test.each([
  ['writer', 'DELETE FROM records'],
  ['writer', 'DROP TABLE records'],
  ['writer', 'CREATE TABLE dataservice.mine ()'],
  ['writer', 'DELETE FROM ingest_offsets'],
  ['reader', `INSERT INTO records VALUES ('${uuid7At(Date.now())}', 'k', now(), 'v', '{}')`],
  ['reader', `SELECT ensure_partition('${uuid7At(Date.now())}')`],
] as const)('the %s may not %s', async (user, text) => {
  await expect(open(shared, user).query(text)).rejects.toMatchObject({ sqlState: '42501' })
})

test('a failed declaration leaves the retained partition usable: detached tables are attached again', async () => {
  const service = await serviceDatabase(engines().postgres)
  await migrated(service)
  const [owner, writer] = [open(service, 'owner'), open(service, 'writer')]
  const id = uuid7At(Date.now())
  await writer.query({ text: insert, values: [id, '{"customer":"a"}'] })
  const { rows } = await owner.query(`SELECT tableoid::regclass::text FROM records WHERE id = '${id}'`)
  await owner.query(`ALTER TABLE records DETACH PARTITION ${rows[0]?.[0]}`)
  expect((await writer.query({ text: ensure, values: [id] })).rows).toEqual([['ready']])
  expect((await owner.query('SELECT id FROM records')).rows).toEqual([[id]])
})

describe('a service whose records bring their id', () => {
  const hash = 'sha256(convert_to($2, $$UTF8$$))'
  const insertNatural = `INSERT INTO records VALUES ($1, 'k', now(), 'v', $2::text::json, '${uuid7At(Date.now())}', ${hash})`
  let natural: ServiceDatabase
  beforeAll(async () => {
    natural = await serviceDatabase(engines().postgres)
    await migrated(natural, naturalIds)
  })

  test('gets all its partitions at once, each with every index, all valid; a second migration changes nothing', async () => {
    const owner = open(natural, 'owner')
    const partitions = await owner.query(
      `SELECT inhrelid::regclass::text FROM pg_inherits WHERE inhparent = 'records'::regclass ORDER BY 1`,
    )
    expect(partitions.rows.flat()).toEqual(['records_h0', 'records_h1', 'records_h2', 'records_h3'])
    const { rows } = await owner.query(
      `SELECT count(*), count(*) FILTER (WHERE indisvalid) FROM pg_index i JOIN pg_class c ON c.oid = i.indrelid
       WHERE c.relname LIKE 'records%'`,
    )
    const each = 2 + record.indexes.length
    expect(rows).toEqual([[String(5 * each), String(5 * each)]])
    const first = await catalogue(owner)
    await migrated(natural, naturalIds)
    expect(await catalogue(owner)).toEqual(first)
  })

  test('its reader may ask each partition itself, and one that has another name stops no migration', async () => {
    const owner = open(natural, 'owner')
    await owner.query('ALTER TABLE records_h3 RENAME TO "Else\'where"')
    await migrated(natural, naturalIds)
    for (const each of ['records_h0', `"Else'where"`])
      expect((await open(natural, 'reader').query(`SELECT FROM ${each}`)).count).toBe(0)
    await owner.query('ALTER TABLE "Else\'where" RENAME TO records_h3')
  })

  test('takes an id once, whatever its partition, and spreads ids', async () => {
    const writer = open(natural, 'writer')
    const ids = Array.from({ length: 200 }, (_, n) => `parcel ${n}/ü`)
    for (const id of ids) await writer.query({ text: insertNatural, values: [id, '{}'] })
    const again = writer.query({ text: insertNatural, values: [ids[7] ?? '', '{"other":1}'] })
    await expect(again).rejects.toMatchObject({ kind: 'duplicate', sqlState: '23505' })
    const { rows } = await open(natural, 'owner').query('SELECT tableoid, count(*) FROM records GROUP BY 1')
    expect(rows).toHaveLength(4)
  })

  test.each([
    ['writer', 'SELECT body FROM records'],
    ['writer', `UPDATE records SET key = 'other'`],
    ['reader', 'DELETE FROM records'],
  ] as const)('the %s may not %s', async (user, text) => {
    await expect(open(natural, user).query(text)).rejects.toMatchObject({ sqlState: '42501' })
  })

  test.each([
    ['another number of partitions', { ...naturalIds, partitioning: { by: 'Hash', partitions: 8 } }],
    ['another id', { ...naturalIds, record: { ...naturalIds.record, id: '/customer' } }],
    ['ids made by the service', {}],
  ] as const)('does not fit %s', async (_, changes) => {
    await expect(migrated(natural, changes)).rejects.toThrow('RetainedDataDiffers')
  })
})
