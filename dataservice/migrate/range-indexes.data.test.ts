/** Indexes for ranges: built over what is stored, there in partitions that come later, beside what was before. */
import { pino } from 'pino'
import { expect, onTestFinished, test } from 'vitest'
import { engines } from '#e2e/engines/inject.ts'
import { migratedService } from '#e2e/engines/migrated-database.ts'
import { uuid7At } from '#e2e/engines/records.ts'
import { acceptedRecord, testRecord } from '#e2e/engines/service-settings.ts'
import { migrate } from './migrate.ts'

const day = 86_400_000
const indexed = (use?: 'Range') => ({
  ...testRecord,
  indexes: [{ fields: ['/quantity'], ...(use && { use }) }],
})

async function serviceWith(use?: 'Range') {
  const service = await migratedService(engines().postgres, { record: indexed(use) })
  const owner = service.open('owner')
  onTestFinished(() => owner.close())
  return { ...service, owner, rows: async (text: string) => (await owner.query(text)).rows }
}

test('a partition that comes later has its part, with the same parameters', async () => {
  const { owner, rows } = await serviceWith('Range')
  await owner.query({ text: 'SELECT ensure_partition($1)', values: [uuid7At(Date.now() - 2 * day)] })
  const partitions = await rows(`SELECT count(*) FROM pg_inherits WHERE inhparent = 'records'::regclass`)
  const indexes = await rows(`SELECT c.relkind, count(*) FROM pg_class c JOIN pg_am a ON a.oid = c.relam
    WHERE a.amname = 'brin' AND c.reloptions = '{pages_per_range=32,autosummarize=on}' GROUP BY 1 ORDER BY 1`)
  expect(indexes).toEqual([
    ['I', '1'],
    ['i', partitions[0]?.[0]],
  ])
})

test('another use builds the other index over what is stored; the one before stays', async () => {
  const { open: _, ...service } = await serviceWith()
  const { owner, rows } = service
  const now = uuid7At(Date.now())
  await owner.query(`INSERT INTO records SELECT overlay('${now}' placing lpad(to_hex(n), 12, '0') from 25)::uuid,
    'k', now(), 'v', format('{"quantity":%s}', n)::json FROM generate_series(1, 2000) AS n`)
  const log = pino({ level: 'silent' })
  const settings = { ...service.settings, record: indexed('Range') }
  const record = acceptedRecord(settings.record)
  await migrate({ database: owner, settings, record, log, signal: new AbortController().signal })
  const found = await rows(`SELECT a.amname, bool_and(i.indisvalid) FROM pg_index i
    JOIN pg_class c ON c.oid = i.indexrelid JOIN pg_am a ON a.oid = c.relam
    WHERE i.indrelid = 'records'::regclass AND NOT i.indisprimary GROUP BY 1 ORDER BY 1`)
  expect(found).toEqual([
    ['brin', 't'],
    ['btree', 't'],
  ])
  // What the planner must know of a partition that nothing is written to any more.
  const known = await rows(
    `SELECT s.correlation FROM pg_stats s WHERE s.tablename LIKE 'records\\_p%\\_range\\_%'`,
  )
  expect(known).toEqual([['1']])
})
