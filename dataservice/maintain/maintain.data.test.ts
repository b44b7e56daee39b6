import { pino } from 'pino'
import { expect, onTestFinished, test } from 'vitest'
import type { Database } from '#dataservice/platform/postgres/database.ts'
import type { TimedTable } from '#dataservice/platform/postgres/partitions.ts'
import { engines } from '#e2e/engines/inject.ts'
import { migratedService } from '#e2e/engines/migrated-database.ts'
import { uuid7At } from '#e2e/engines/records.ts'
import { forgetOld } from './forget.ts'
import { maintain } from './maintain.ts'

const log = pino({ level: 'silent' })
const day = 86_400_000

/** A service that kept everything until now, with a record in each of the last ten days. */
async function tenDays(): Promise<Database> {
  const service = await migratedService(engines().postgres)
  const database = service.open('owner')
  onTestFinished(() => database.close())
  for (let age = 0; age < 10; age++) {
    const id = uuid7At(Date.now() - age * day)
    await database.query({ text: 'SELECT ensure_partition($1)', values: [id] })
    await database.query({ text: `INSERT INTO records VALUES ($1, 'k', now(), 'v', '{}')`, values: [id] })
  }
  return database
}

const partitioning = (retainDays?: number): TimedTable => ({
  table: 'records',
  by: 'Time',
  interval: 'Day',
  premake: 3,
  ...(retainDays !== undefined && { retainMs: retainDays * day }),
})

const partitionOf = (age: number) =>
  `records_p${new Date(Date.now() - age * day).toISOString().slice(0, 10).replaceAll('-', '')}`

const count = async (database: Database, text: string) => Number((await database.query(text)).rows[0]?.[0])
const attached = `SELECT count(*) FROM pg_inherits WHERE inhparent = 'records'::regclass`

test('makes partitions ahead and keeps everything without a retention', async () => {
  const database = await tenDays()
  const report = await maintain({ database, partitioning: partitioning(), log })
  expect(report.dropped).toEqual([])
  expect(report.daysAhead).toBeGreaterThan(3)
  expect(report.daysAhead).toBeLessThanOrEqual(4)
  expect(await count(database, attached)).toBe(10 + 3)
})

test('drops what lies whole beyond the retention, and finds nothing the second time', async () => {
  const database = await tenDays()
  const { dropped } = await maintain({ database, partitioning: partitioning(4), log })
  expect(dropped).toEqual([9, 8, 7, 6, 5].map(partitionOf))
  expect(await count(database, 'SELECT count(*) FROM records')).toBe(5)
  expect((await maintain({ database, partitioning: partitioning(4), log })).dropped).toEqual([])
})

test('takes up a run that was cut off: detached but not dropped', async () => {
  const database = await tenDays()
  await database.query(`ALTER TABLE records DETACH PARTITION ${partitionOf(9)} CONCURRENTLY`)
  const { dropped } = await maintain({ database, partitioning: partitioning(8), log })
  expect(dropped).toEqual([partitionOf(9)])
})

test('outcomes are forgotten after their time, keys when they expire, dead letters with the records beside them, once they are in their topic; nothing that waits or is waited for', async () => {
  const service = await migratedService(engines().postgres)
  const database = service.open('owner')
  onTestFinished(() => database.close())
  await database.query(`INSERT INTO outcomes (topic, partition, log_offset, record_id, record_key, outcome, decided_at)
SELECT 't', 0, n, 'r', 'k', 'refused', now() - n * interval '1 hour' FROM generate_series(1, 50) AS n`)
  await database.query(`INSERT INTO outcomes (topic, partition, log_offset, record_id, record_key, outcome, decided_at)
VALUES ('t', 1, 0, 'r', 'k', 'held', now() - interval '9 days')`)
  await database.query(`INSERT INTO dead_letters (topic, partition, log_offset, headers, reason, content_hash, relayed_at, blocks)
VALUES ('t', 1, 0, '{}', 'r', '', now() - interval '90 days', true)`)
  await database.query(`INSERT INTO dead_letters (topic, partition, log_offset, headers, reason, content_hash, relayed_at)
SELECT 't', 0, n, '{}', 'r', '', CASE WHEN n % 2 = 0 THEN now() - n * interval '1 day' END FROM generate_series(1, 50) AS n`)
  await database.query(`INSERT INTO request_keys
SELECT sha256(n::text::bytea), 'id', '', 't', 0, n, now() + (n - 20.5) * interval '1 hour' FROM generate_series(1, 50) AS n`)
  expect(await forgetOld(database, { outcomesMs: day })).toEqual({
    outcomes: 27,
    deadLetters: 0,
    requestKeys: 20,
  })
  expect(await count(database, 'SELECT max(log_offset) FROM outcomes')).toBe(23)
  expect(await forgetOld(database, { outcomesMs: day, recordsMs: 40.5 * day })).toEqual({
    outcomes: 0,
    deadLetters: 5,
    requestKeys: 0,
  })
  expect(await count(database, 'SELECT count(*) FROM dead_letters')).toBe(45 + 1)
  expect(await count(database, `SELECT count(*) FROM outcomes WHERE outcome = 'held'`)).toBe(1)
  expect(await count(database, 'SELECT count(*) FROM request_keys')).toBe(30)
})
