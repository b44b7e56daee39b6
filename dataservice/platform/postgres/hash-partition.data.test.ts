import { expect, onTestFinished, test } from 'vitest'
import { engines } from '#e2e/engines/inject.ts'
import { migratedService } from '#e2e/engines/migrated-database.ts'
import { naturalIds } from '#e2e/engines/service-settings.ts'
import { hashPartitionOf } from './hash-partition.ts'

test('is the partition where Postgres puts the row', async () => {
  const partitions = 61
  const service = await migratedService(engines().postgres, {
    ...naturalIds,
    partitioning: { by: 'Hash', partitions },
  })
  const database = service.open('owner')
  onTestFinished(() => database.close())
  await database.query(`INSERT INTO records (id, key, accepted_at, schema_version, body, event_id, body_hash)
SELECT repeat('ö', n % 3) || repeat('x', n % 40) || n, 'k', now(), 'v', '{}', gen_random_uuid(), '\\x00'
FROM generate_series(1, 1000) AS n`)
  const { rows } = await database.query(
    `SELECT id, substring(tableoid::regclass::text FROM '\\d+$')::int FROM records`,
  )
  expect(rows).toHaveLength(1_000)
  const computed = rows.map(([id]) => [id, String(hashPartitionOf(Buffer.from(id ?? ''), partitions))])
  expect(computed).toEqual(rows)
})
