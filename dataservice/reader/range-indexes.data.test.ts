/** Questions to an index for ranges: the same answers as by a Lookup, from a small part of the table. */
import { beforeAll, describe, expect, onTestFinished, test } from 'vitest'
import type { IndexUse } from '#dataservice/contract/record-declaration.ts'
import type { Settings } from '#dataservice/contract/settings.ts'
import type { TableKind } from '#dataservice/platform/postgres/partitions.ts'
import { engines } from '#e2e/engines/inject.ts'
import { type MigratedService, migratedService } from '#e2e/engines/migrated-database.ts'
import { changing, naturalIds, testRecord } from '#e2e/engines/service-settings.ts'
import { parseQuery } from './parameters.ts'
import { pageStatement } from './query.ts'
import { openReader } from './testing/reader-app.ts'

const day = 86_400_000
const total = 24_000
const stepMs = 10_000
const start = Math.floor(Date.now() / day) * day - 3 * day
const fields = ['takenAt', 'serial', 'level'] as const
const moment = (n: number): string => new Date(start + n * stepMs).toISOString()

const kinds: Readonly<Record<TableKind, { settings: Partial<Settings>; columns: string }>> = {
  Time: {
    settings: {},
    columns: `(left(lowest_id(moment)::text, 14) || '7000-8000-' || lpad(to_hex(n), 12, '0'))::uuid, 'k', moment, 'v', body`,
  },
  Hash: {
    settings: naturalIds,
    columns: `'r' || n, 'k', moment, 'v', body, gen_random_uuid(), sha256(convert_to(body::text, 'UTF8'))`,
  },
  Upsert: {
    settings: changing,
    columns: `'r' || n, 'k', moment, 'v', body, 1, moment, gen_random_uuid()`,
  },
}

async function serviceOf(by: TableKind, use: IndexUse): Promise<MigratedService> {
  const { settings } = kinds[by]
  const record = settings.record ?? testRecord
  const properties = {
    ...Object(record.schema['properties']),
    takenAt: { type: 'string', maxLength: 40 },
    serial: { type: 'integer' },
    level: { type: 'number' },
  }
  const indexes = fields.map(field => ({ fields: [`/${field}`], use }))
  const schema = { ...record.schema, properties }
  return migratedService(engines().postgres, { ...settings, record: { ...record, schema, indexes } })
}

/** Every 50th record has no such fields, every 97th was taken an hour before it came. */
async function fill(service: MigratedService, by: TableKind, from: number, to: number): Promise<void> {
  const owner = service.open('owner')
  if (by === 'Time')
    await owner.query(`SELECT ensure_partition(lowest_id('${moment(0)}'::timestamptz + n * interval '1 day'))
      FROM generate_series(0, 3) AS n`)
  await owner.query(`INSERT INTO records SELECT ${kinds[by].columns} FROM (
    SELECT n, moment, CASE WHEN n % 50 = 0 THEN '{"pad":"x"}' ELSE format(
      '{"takenAt":"%s", "serial":%s, "level":%s, "pad":"%s"}',
      to_char((moment - CASE WHEN n % 97 = 0 THEN interval '1 hour' ELSE interval '0' END) AT TIME ZONE 'UTC',
        'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"'),
      CASE WHEN n % 3 = 0 THEN n || 'e0' ELSE n::text END, (n - 12000) / 8.0, repeat('x', 150)) END::json AS body
    FROM generate_series(${from}, ${to - 1}) AS n,
      LATERAL (SELECT '${moment(0)}'::timestamptz + n * interval '${stepMs} milliseconds') AS at (moment)
  ) AS made ORDER BY n`)
  await owner.close()
}

const values: Readonly<Record<(typeof fields)[number], (n: number) => string>> = {
  takenAt: moment,
  serial: String,
  level: n => String((n - 12_000) / 8),
}

/** Ranges of all fields: narrow and wide, open and closed, empty, and beside all that may stand there. */
const questions = fields.flatMap(field => {
  const value = (n: number) => encodeURIComponent(values[field](n))
  return [
    `${field}[gte]=${value(7_000)}&${field}[lt]=${value(7_120)}`,
    `${field}[gt]=${value(100)}&${field}[lte]=${value(700)}&order=asc`,
    `${field}[lte]=${value(180)}`,
    `${field}[gt]=${value(21_000)}&count=exact`,
    `${field}[gte]=${value(4_000)}&from=${moment(6_000)}&to=${moment(6_400)}`,
    `${field}[gte]=${value(9_000)}&${field}[lt]=${value(8_000)}`,
    `${field}[gt]=${value(30_000)}`,
  ]
})

interface PageText {
  items: { id: string }[]
  next: string | null
  count?: unknown
}

/** Ids and counts of all pages. */
async function answersOf(service: MigratedService): Promise<unknown[]> {
  const { get } = await openReader(service)
  const answers: unknown[] = []
  for (const question of questions) {
    const found: unknown[] = [question]
    for (let cursor: string | null = ''; cursor !== null; ) {
      const answer = await get(`/data?limit=211&${question}${cursor && `&cursor=${cursor}`}`)
      expect(answer.statusCode, answer.body).toBe(200)
      const { items, next, count } = answer.json<PageText>()
      found.push(...items.map(({ id }) => id), count ?? null)
      cursor = next
    }
    answers.push(found)
  }
  return answers
}

describe.each(['Time', 'Hash', 'Upsert'] as const)('in a table of kind %s', by => {
  let ranges: MigratedService
  let lookups: MigratedService
  beforeAll(async () => {
    ranges = await serviceOf(by, 'Range')
    lookups = await serviceOf(by, 'Lookup')
    for (const service of [ranges, lookups]) {
      await fill(service, by, 0, total / 2)
      const owner = service.open('owner')
      // As autovacuum would.
      await owner.query('VACUUM ANALYZE records')
      await owner.close()
      await fill(service, by, total / 2, total)
    }
  })

  test('the answers are those of a Lookup, also while half of the table is not summarized', async () => {
    const answers = await answersOf(ranges)
    expect(answers).toEqual(await answersOf(lookups))
    expect(answers.flat().length).toBeGreaterThan(5_000)
  })

  test('a narrow range is found by its index, in a small part of the table', async () => {
    const owner = ranges.open('owner')
    onTestFinished(() => owner.close())
    await owner.query('VACUUM ANALYZE records')
    for (const field of fields) {
      const value = (n: number) => encodeURIComponent(values[field](n))
      const parsed = parseQuery(
        `${field}[gte]=${value(7_000)}&${field}[lt]=${value(7_080)}`,
        ranges.record.indexes,
      )
      if (parsed.kind === 'refused') throw new Error(JSON.stringify(parsed.errors))
      const { text, values: given = [] } = pageStatement({ ...parsed.request, limit: 100 }, by)
      const explained = await owner.query({ text: `EXPLAIN (ANALYZE, COSTS OFF) ${text}`, values: given })
      const plan = explained.rows.flat().join('\n')
      expect(plan).toContain('Bitmap Index Scan on records_')
      // Partitions without records are read in another way.
      expect(plan).not.toMatch(/Rows Removed by Filter|Index Scan (Backward )?using/)
      const blocks = [...plan.matchAll(/lossy=(\d+)/g)].reduce((sum, [, lossy]) => sum + Number(lossy), 0)
      const { rows } = await owner.query(
        `SELECT sum(pg_relation_size(inhrelid)) / 8192 FROM pg_inherits WHERE inhparent = 'records'::regclass`,
      )
      expect([blocks > 0, blocks < Number(rows[0]?.[0]) / 4]).toEqual([true, true])
    }
  })

  test('the index is small', async () => {
    const sizes = await Promise.all(
      [ranges, lookups].map(async service => {
        const owner = service.open('owner')
        const { rows } = await owner.query(`SELECT sum(pg_relation_size(h.inhrelid)) FROM pg_inherits h
          JOIN pg_class c ON c.oid = h.inhparent WHERE c.relname ~ '^records_(by|range)_[0-9a-f]{8}$'`)
        await owner.close()
        return Number(rows[0]?.[0])
      }),
    )
    const [small = 0, large = 0] = sizes
    expect(small).toBeLessThan(large / 4)
  })

  test('anything but a range is refused with what may be asked', async () => {
    const { get } = await openReader(ranges)
    for (const query of ['serial=5', 'serial[eq]=5', 'level[in]=5', 'level[gt]=5&takenAt[gt]=2026']) {
      const answer = await get(`/data?${query}`)
      expect(answer.statusCode).toBe(400)
      expect(answer.body).toContain('level (only [gt], [gte], [lt], [lte], by itself)')
    }
  })
})
