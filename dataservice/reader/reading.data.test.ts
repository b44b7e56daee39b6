import { randomBytes } from 'node:crypto'
import { beforeAll, describe, expect, onTestFinished, test, vi } from 'vitest'
import { lowestUuid7 } from '#dataservice/record/uuid7.ts'
import { engines } from '#e2e/engines/inject.ts'
import { type MigratedService, migratedService } from '#e2e/engines/migrated-database.ts'
import { uuid7At } from '#e2e/engines/records.ts'
import { type Redis, startRedis } from '#e2e/engines/redis.ts'
import { soon } from '#e2e/engines/soon.ts'
import { entityOf, pack } from './entity.ts'
import { cacheKey } from './lookup.ts'
import { pageStatement, recordStatement } from './query.ts'
import { counting, openReader } from './testing/reader-app.ts'
import { insert } from './testing/rows.ts'

const day = 86_400_000

interface Item {
  id: string
  record: Record<string, unknown>
}

const older = Date.now() - 2 * day
const rows = Array.from({ length: 250 }, (_, n) => ({
  id: uuid7At(older + n * 1_000_000),
  body: `{ "customer":"c${n % 5}", "amount":${n}e0,"paid" : ${n % 2 === 0},"quantity":${n % 7}, "address":{"city":"K\\u00f6ln ${n % 3}"}}`,
}))
let service: MigratedService
beforeAll(async () => {
  service = await migratedService(engines().postgres)
  await insert(service, rows)
})

/** Follows the cursors; answers the ids of all pages and how many pages there were. */
async function allPages(get: (url: string) => Promise<{ body: string; statusCode: number }>, query: string) {
  const ids: string[] = []
  for (let pages = 1, cursor = ''; ; pages++) {
    const answer = await get(`/data?${query}${cursor && `&cursor=${cursor}`}`)
    expect(answer.statusCode).toBe(200)
    const page: { items: Item[]; next: string | null } = JSON.parse(answer.body)
    ids.push(...page.items.map(({ id }) => id))
    if (page.next === null) return { ids, pages }
    cursor = page.next
  }
}

const newestFirst = (chosen: typeof rows) => chosen.map(({ id }) => id).reverse()

describe('pages', () => {
  test('end in the newest two partitions where they are full, and look further otherwise', async () => {
    const statements = counting()
    const { get } = await openReader(service, { between: statements.between })
    const places = async (query: string) => {
      const before = statements.count()
      const { items } = (await get(`/data?${query}`)).json<{ items: Item[] }>()
      return { items: items.length, statements: statements.count() - before }
    }
    expect(await places('limit=3')).toEqual({ items: 3, statements: 1 })
    expect(await places('limit=250')).toEqual({ items: 250, statements: 2 })
    expect(await places('limit=251&order=asc')).toEqual({ items: 250, statements: 1 })
  })

  test('give every record once, newest first', async () => {
    const { get } = await openReader(service)
    expect(await allPages(get, 'limit=99')).toEqual({ ids: newestFirst(rows), pages: 3 })
  })

  test('end without a cursor when the last one is full', async () => {
    const { get } = await openReader(service)
    expect((await allPages(get, 'limit=125')).pages).toBe(2)
  })

  test.each([
    ['customer=c3', (n: number) => n % 5 === 3],
    ['customer[in]=c3&customer[in]=c4', (n: number) => n % 5 >= 3],
    ['paid=true&amount=1e2', (n: number) => n === 100],
    ['paid=false&amount[gte]=100&amount[lt]=200', (n: number) => n % 2 === 1 && n >= 100 && n < 200],
    ['paid=false&amount[gt]=247', (n: number) => n === 249],
    ['address.city=K%C3%B6ln%201&quantity[lte]=2', (n: number) => n % 3 === 1 && n % 7 <= 2],
    [`from=${new Date(older + 240_000_000).toISOString()}`, (n: number) => n >= 240],
    [`to=${new Date(older + 3_000_000).toISOString()}&customer=c0`, (n: number) => n === 0],
  ])('of %s hold what fits', async (query, fits) => {
    const { get } = await openReader(service)
    expect((await allPages(get, `limit=7&${query}`)).ids).toEqual(newestFirst(rows.filter((_, n) => fits(n))))
  })

  test('show a record as it was sent, byte for byte', async () => {
    const { get } = await openReader(service)
    const last = rows[249]
    const { body, headers } = await get('/data?limit=1')
    const acceptedAt = new Date(older + 249_000_000).toISOString()
    const item = `{"id":"${last?.id}","acceptedAt":"${acceptedAt}","schemaVersion":"1a2b3c4d","record":${last?.body}}`
    expect(body).toMatch(/^\{"items":\[.*\],"next":"[\w-]+"\}$/)
    expect(body.slice('{"items":['.length, body.indexOf('],"next"'))).toBe(item)
    expect(headers['content-type']).toBe('application/json')
    expect((await get(`/data/${last?.id}`)).body).toBe(item)
  })

  test('are cut where their bodies become too much', async () => {
    const large = await migratedService(engines().postgres)
    const body = JSON.stringify({ text: 'x'.repeat(900_000) })
    await insert(
      large,
      Array.from({ length: 12 }, (_, n) => ({ id: uuid7At(Date.now() - 60_000 + n), body })),
    )
    const { get } = await openReader(large)
    expect(await allPages(get, 'limit=100')).toMatchObject({ ids: { length: 12 }, pages: 2 })
  })

  test('use the declared index, which gives their order without sorting', async () => {
    const database = service.open('reader')
    onTestFinished(() => database.close())
    const [index] = service.record.indexes
    const [field] = index?.fields ?? []
    if (!field) throw new Error('the test service declares an index')
    const conditions = [{ field, operator: 'eq' as const, values: ['c3'] }]
    const { text, values = [] } = pageStatement({ question: { conditions }, limit: 5 }, 'Time')
    const plan = (await database.query({ text: `EXPLAIN ${text}`, values })).rows.flat().join('\n')
    expect(plan).toMatch(/Index Scan Backward using records_p\d+_/)
    expect(plan).toContain(`Index Cond: (((body #>> '{customer}'::text[]))::text = 'c3'::text)`)
    expect(plan).not.toContain('Sort')
  })
})

describe('a refused query', () => {
  test.each([
    ['color=red', 'color', 'is no field that can be asked for: customer; or paid with amount'],
    ['amount=1', 'amount', 'declare {"fields":["/amount"]}'],
    ['limit=1001', 'limit', 'from 1 to 1000'],
    ['cursor=nonsense', 'cursor', 'is no cursor of this query'],
  ])('%s says what is wrong', async (query, parameter, message) => {
    const { get } = await openReader(service)
    const answer = await get(`/data?${query}`)
    expect(answer.statusCode).toBe(400)
    expect(answer.headers['content-type']).toBe('application/problem+json')
    const problem: { type: string; errors: { parameter: string; message: string }[] } = answer.json()
    expect(problem.type).toBe('https://dataservice.dev/problems/invalid-query')
    expect(problem.errors[0]?.parameter).toBe(parameter)
    expect(problem.errors[0]?.message).toContain(message)
  })

  test('takes no cursor of another query', async () => {
    const { get } = await openReader(service)
    const { next } = (await get('/data?customer=c1&limit=1')).json<{ next: string }>()
    expect((await get(`/data?customer=c1&cursor=${next}`)).statusCode).toBe(200)
    expect((await get(`/data?customer=c2&cursor=${next}`)).statusCode).toBe(400)
  })
})

describe('a record that is not there', () => {
  test.each([
    ['old', uuid7At(older - 1), 'record-not-found', undefined],
    ['no UUID', 'abc', 'record-not-found', undefined],
    ['just made', uuid7At(Date.now()), 'not-yet-visible', '1'],
    ['far in the future', lowestUuid7(Date.now() + day), 'record-not-found', undefined],
    ['of the year 1970', '00000000-0000-7000-8000-000000000000', 'record-not-found', undefined],
    ['of the year 10889', 'ffffffff-ffff-7fff-bfff-ffffffffffff', 'record-not-found', undefined],
  ])('because its id is %s', async (_, id, code, retryAfter) => {
    const { get, cached } = await openReader(service)
    const answer = await get(`/data/${id}`)
    expect(answer.statusCode).toBe(404)
    expect(answer.json<{ type: string }>().type).toBe(`https://dataservice.dev/problems/${code}`)
    expect(answer.headers['retry-after']).toBe(retryAfter)
    await get(`/data/${id}`)
    expect((await cached())['record hit']).toBeUndefined()
  })

  test('is found once it is stored', async () => {
    const { get } = await openReader(service)
    const id = uuid7At(Date.now() - 5_000)
    expect((await get(`/data/${id}`)).statusCode).toBe(404)
    const other = await migratedService(engines().postgres)
    await insert(other, [{ id, body: '{}' }])
    const { get: getOther } = await openReader(other)
    expect((await getOther(`/data/${id.toUpperCase()}`)).statusCode).toBe(200)
  })
})

describe('the cache', () => {
  const id = rows[7]?.id ?? ''

  test('answers the second time, also in another reader', async () => {
    const prefix = `${randomBytes(6).toString('hex')}:`
    const first = await openReader(service, { prefix })
    const second = await openReader(service, { prefix })
    await vi.waitFor(async () => expect((await first.cache.get('x')).kind).toBe('miss'), soon)
    const { body } = await first.get(`/data/${id}`)
    await vi.waitFor(
      async () => expect((await second.cache.get(cacheKey('record', id))).kind).toBe('hit'),
      soon,
    )
    expect((await second.get(`/data/${id}`)).body).toBe(body)
    expect(await first.cached()).toEqual({ 'record miss': 1 })
    expect(await second.cached()).toEqual({ 'record hit': 1 })
  })

  test('lets callers at the same time share one question', async () => {
    const { get, cached } = await openReader(service)
    const answers = await Promise.all(Array.from({ length: 20 }, () => get(`/data/${id}`)))
    expect(new Set(answers.map(({ body }) => body)).size).toBe(1)
    const { 'record miss': misses = 0, 'record away': away = 0 } = await cached()
    expect(misses + away).toBe(1)
  })

  test.each(['SIGKILL', 'SIGSTOP'] as const)('may end by %s at any time', async signal => {
    const redis: Redis = await startRedis()
    onTestFinished(() => redis.remove())
    const { get, cached, cache } = await openReader(service, { redis, localBytes: 0 })
    await vi.waitFor(async () => expect((await cache.get('x')).kind).toBe('miss'), soon)
    expect((await get(`/data/${id}`)).statusCode).toBe(200)
    await redis.kill(signal)
    const started = performance.now()
    for (const row of rows.slice(0, 30)) expect((await get(`/data/${row.id}`)).statusCode).toBe(200)
    expect(performance.now() - started).toBeLessThan(2_000)
    expect((await cached())['record away']).toBe(30)
    if (signal === 'SIGKILL') await redis.start()
    else await redis.kill('SIGCONT')
    await vi.waitFor(async () => expect((await cache.get('x')).kind).toBe('miss'), { timeout: 10_000 })
  })
})

test('a look-up by id locks one partition only', async () => {
  const database = service.open('reader')
  onTestFinished(() => database.close())
  const locked = await database.transaction(async session => {
    for (let n = 0; n < 8; n++) await session.query(recordStatement(rows[0]?.id ?? ''))
    return session.query(`SELECT DISTINCT relation::regclass::text FROM pg_locks JOIN pg_class c ON c.oid = relation
      WHERE pid = pg_backend_pid() AND c.relkind = 'r' AND c.relname LIKE 'records_p%'`)
  })
  expect(locked.rows).toHaveLength(1)
})

test('without Postgres: what the cache has, and 503 for the rest', async () => {
  const { get, cache } = await openReader(service, { database: { port: 1 } })
  await vi.waitFor(async () => expect((await cache.get('x')).kind).toBe('miss'), soon)
  cache.set(cacheKey('record', rows[0]?.id ?? ''), pack(entityOf('"cached"', Date.now())), 10_000)
  expect((await get(`/data/${rows[0]?.id}`)).body).toBe('"cached"')
  for (const url of ['/data', `/data/${rows[1]?.id}`]) {
    const answer = await get(url)
    expect(answer.statusCode).toBe(503)
    expect(answer.headers['retry-after']).toBe('1')
    expect(answer.json<{ type: string }>().type).toBe('https://dataservice.dev/problems/store-unavailable')
  }
})
