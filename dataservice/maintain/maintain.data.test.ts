import { pino } from 'pino'
import { expect, onTestFinished, test } from 'vitest'
import type { Database } from '#dataservice/platform/postgres/database.ts'
import type { TimePartitioning } from '#dataservice/platform/postgres/partitions.ts'
import { engines } from '#e2e/engines/inject.ts'
import { migratedService } from '#e2e/engines/migrated-database.ts'
import { uuid7At } from '#e2e/engines/records.ts'
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

const partitioning = (retainDays?: number): TimePartitioning => ({
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
