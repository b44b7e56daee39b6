/** The reader over a table cut by hash of natural ids: any id by URL, pages by time of acceptance. */
import { beforeAll, describe, expect, test, vi } from 'vitest'
import { engines } from '#e2e/engines/inject.ts'
import { type MigratedService, migratedService } from '#e2e/engines/migrated-database.ts'
import { uuid7At } from '#e2e/engines/records.ts'
import { naturalIds } from '#e2e/engines/service-settings.ts'
import { pageStatement, recordStatement } from './query.ts'
import { openReader } from './testing/reader-app.ts'

interface Row {
  id: string
  /** Milliseconds since 1970. */
  at: number
  body: string
}

async function insert(service: MigratedService, rows: readonly Row[]): Promise<void> {
  const owner = service.open('owner')
  for (const { id, at, body } of rows) {
    await owner.query({
      text: `INSERT INTO records VALUES ($1, 'k', $2, '1a2b3c4d', $3::text::json, $4, sha256(convert_to($3, 'UTF8')))`,
      values: [id, new Date(at).toISOString(), body, uuid7At(at)],
    })
  }
  await owner.close()
}

const hostile = [
  'a/b//c/../d',
  '../../etc/passwd',
  '%2f',
  '%252F%',
  '...',
  ' ',
  '?limit=1#x',
  `"'\\`,
  'line\r\nbreak\u0001',
  'Größe-尺寸-😀',
  'UPPER and lower',
  '019b76da-a800-7000-8000-000000000000',
  '𝒳'.repeat(600),
]
const start = Date.UTC(2026, 0, 1)
/** Ids in no order, and three records of each moment. */
const rows: readonly Row[] = Array.from({ length: 240 }, (_, n) => ({
  id: hostile[n] ?? `parcel ${(n * 7919) % 240}/${n}`,
  at: start + Math.floor(n / 3) * 60_000,
  body: `{"customer":"c${n % 5}", "amount":${n}e0, "paid":${n % 2 === 0}}`,
}))
const newestFirst = rows
  .toSorted((a, b) => b.at - a.at || Buffer.compare(Buffer.from(b.id), Buffer.from(a.id)))
  .map(({ id }) => id)

let service: MigratedService
beforeAll(async () => {
  service = await migratedService(engines().postgres, naturalIds)
  await insert(service, rows)
})

async function allPages(query: string) {
  const { get } = await openReader(service)
  const ids: string[] = []
  for (let pages = 1, cursor = ''; ; pages++) {
    const answer = await get(`/data?${query}${cursor && `&cursor=${cursor}`}`)
    expect(answer.statusCode, answer.body).toBe(200)
    const page: { items: { id: string }[]; next: string | null } = JSON.parse(answer.body)
    ids.push(...page.items.map(({ id }) => id))
    if (page.next === null) return { ids, pages }
    cursor = page.next
  }
}

describe('a record', () => {
  test.each(hostile.map((id, n) => [id.slice(0, 40), n]))(
    'with the id %j is found by its URL, byte for byte',
    async (_, n) => {
      const id = hostile[Number(n)] ?? ''
      const { get } = await openReader(service)
      const row = rows.find(each => each.id === id)
      const text = `{"id":${JSON.stringify(id)},"acceptedAt":"${new Date(row?.at ?? 0).toISOString()}","schemaVersion":"1a2b3c4d","record":${row?.body}}`
      for (const _ of ['from Postgres', 'from the cache']) {
        const answer = await get(`/data/${encodeURIComponent(id)}`)
        expect([answer.statusCode, answer.body]).toEqual([200, text])
      }
    },
  )

  test.each([
    ['another case', 'upper AND lower'],
    ['an id of nobody', 'nobody'],
    ['NUL', 'a\0b'],
    ['an id longer than any', 'x'.repeat(1_300)],
  ])('with %s is not there', async (_, id) => {
    const { get } = await openReader(service)
    const answer = await get(`/data/${encodeURIComponent(id)}`)
    expect([answer.statusCode, answer.json().type]).toEqual([
      404,
      'https://dataservice.dev/problems/record-not-found',
    ])
  })

  test.each(['/data/', '/data/a/b', '/data/%2e%2e', '/data/%ff', '/data/%', '/data/%ED%A0%80'])(
    'is not what %s names',
    async url => {
      const { get } = await openReader(service)
      expect([400, 404]).toContain((await get(url)).statusCode)
    },
  )

  test('that was not there is found as soon as it is stored', async () => {
    const { get } = await openReader(service)
    expect((await get('/data/late')).statusCode).toBe(404)
    await insert(service, [{ id: 'late', at: start - 60_000, body: '{"customer":"late"}' }])
    // That there is none is remembered for a second.
    await vi.waitFor(async () => expect((await get('/data/late')).statusCode).toBe(200), { timeout: 10_000 })
    const owner = service.open('owner')
    await owner.query(`DELETE FROM records WHERE id = 'late'`).finally(() => owner.close())
  })
})

describe('pages', () => {
  test.each([7, 99, 120])('of %d give every record once, newest first', async limit => {
    const { ids, pages } = await allPages(`limit=${limit}`)
    expect(ids).toEqual(newestFirst)
    expect(pages).toBe(Math.ceil(240 / limit))
  })

  test.each([
    ['customer=c3', (_: Row, n: number) => n % 5 === 3],
    ['paid=false&amount[gte]=100', (_: Row, n: number) => n % 2 === 1 && n >= 100],
    [`from=${new Date(start + 600_000).toISOString()}`, ({ at }: Row) => at >= start + 600_000],
    [
      `to=${new Date(start + 600_000).toISOString()}&customer=c1`,
      ({ at }: Row, n: number) => at < start + 600_000 && n % 5 === 1,
    ],
  ])('of %s hold what fits', async (query, fits) => {
    const chosen = new Set(rows.filter(fits).map(({ id }) => id))
    expect((await allPages(`limit=7&${query}`)).ids).toEqual(newestFirst.filter(id => chosen.has(id)))
  })

  test('take a cursor to the microsecond', async () => {
    const fine = await migratedService(engines().postgres, naturalIds)
    const owner = fine.open('owner')
    for (const n of [1, 2, 3])
      await owner.query(
        `INSERT INTO records VALUES ('${n}', 'k', '2026-01-01T00:00:00.00000${n}Z', 'v', '{}', gen_random_uuid(), '')`,
      )
    await owner.close()
    const { get } = await openReader(fine)
    const first = (await get('/data?limit=2')).json()
    const second = (await get(`/data?limit=2&cursor=${first.next}`)).json()
    expect([first, second].map(({ items }) => items.map(({ id }: Row) => id))).toEqual([['3', '2'], ['1']])
  })
})

/** The plan of a statement as the reader gets it. */
async function planOf({ text, values = [] }: ReturnType<typeof recordStatement>): Promise<string> {
  const database = service.open('reader')
  const { rows } = await database.query({ text: `EXPLAIN ${text}`, values }).finally(() => database.close())
  return rows.flat().join('\n')
}

const partitionsIn = (plan: string) => new Set(plan.match(/records_h\d/g))

describe('the plan', () => {
  test('of a look-up by id touches one partition', async () => {
    const plan = await planOf(recordStatement('a/b//c/../d'))
    expect(partitionsIn(plan).size).toBe(1)
    expect(plan).toMatch(/Index Scan using records_h\d_pkey/)
  })

  test('of a look-up by id locks one partition', async () => {
    const database = service.open('reader')
    const locked = await database
      .transaction(async session => {
        for (let n = 0; n < 8; n++) await session.query(recordStatement('a/b//c/../d'))
        return session.query(`SELECT DISTINCT relation::regclass::text FROM pg_locks JOIN pg_class c ON c.oid = relation
          WHERE pid = pg_backend_pid() AND c.relkind = 'r' AND c.relname LIKE 'records_h%'`)
      })
      .finally(() => database.close())
    expect(locked.rows).toHaveLength(1)
  })

  test('of a page merges the partitions by their index instead of sorting', async () => {
    const before = { id: 'x', acceptedAt: new Date(start + 3_600_000).toISOString() }
    const plan = await planOf(
      pageStatement({ question: { conditions: [] }, limit: 5, after: before }, 'Hash'),
    )
    expect(plan).toContain('Merge Append')
    expect(plan).toMatch(/Index (Only )?Scan Backward using records_h\d_accepted_at_id_idx/)
    expect(plan).toContain('Index Cond: (ROW(accepted_at, id) < ROW(')
    expect(partitionsIn(plan).size).toBe(4)
  })

  test('of a page by a declared index merges its parts', async () => {
    const [field] = service.record.indexes[0]?.fields ?? []
    if (!field) throw new Error('the test service declares an index')
    const conditions = [{ field, operator: 'eq' as const, values: ['c3'] }]
    const plan = await planOf(pageStatement({ question: { conditions }, limit: 5 }, 'Hash'))
    expect(plan).toContain('Merge Append')
    expect(plan).toMatch(/Index Scan Backward using records_h\d_by_/)
    expect(plan).not.toContain('Incremental Sort')
  })
})

test('records by their ids: a comma inside an id is written %2C', async () => {
  const own = await migratedService(engines().postgres, naturalIds)
  await insert(own, [
    { id: 'a,b', at: start, body: '{"n":1}' },
    { id: 'a b', at: start, body: '{"n":2}' },
  ])
  const { get } = await openReader(own)
  const answer = await get('/data?id=a+b,none,a%2Cb&id=a%20b')
  expect(answer.json<{ items: { id: string }[] }>().items.map(({ id }) => id)).toEqual(['a b', 'a,b'])
})
