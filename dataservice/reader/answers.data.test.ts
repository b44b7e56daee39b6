/** What a reader answers beyond plain pages: tags, parts of records, records by their ids, counts and order. */
import { beforeAll, describe, expect, test } from 'vitest'
import { engines } from '#e2e/engines/inject.ts'
import { type MigratedService, migratedService } from '#e2e/engines/migrated-database.ts'
import { uuid7At } from '#e2e/engines/records.ts'
import { openReader } from './testing/reader-app.ts'
import { insert } from './testing/rows.ts'

const older = Date.now() - 2 * 86_400_000
const rows = Array.from({ length: 60 }, (_, n) => ({
  id: uuid7At(older + n * 1_000),
  body: `{ "customer":"c${n % 5}", "amount":${n}.50e0,"paid" : ${n % 2 === 0}, "note":null, "tags":[1e0 ,2], "address":{"city":"K\\u00f6ln", "zip":-0}}`,
}))
const idOf = (n: number) => rows[n]?.id ?? ''
let service: MigratedService
beforeAll(async () => {
  service = await migratedService(engines().postgres)
  await insert(service, rows)
  const owner = service.open('owner')
  await owner.query('ANALYZE records')
  await owner.close()
})

interface Page {
  items: { id: string }[]
  next: string | null
  count?: { value: number; relation: string }
}
const idsOf = ({ items }: Page) => items.map(({ id }) => id)

describe('a record', () => {
  test('has a strong tag, the same in every reader; who has it already gets 304', async () => {
    const [first, second] = [await openReader(service), await openReader(service, { localBytes: 0 })]
    const url = `/data/${idOf(3)}`
    const answer = await first.get(url)
    const { etag } = answer.headers
    expect(etag).toMatch(/^"[\w-]{22}"$/)
    expect(answer.headers['cache-control']).toBe('private, max-age=60')
    for (const given of [String(etag), `"x", W/${etag}`, '*']) {
      for (const { get } of [first, second]) {
        const known = await get(url, { 'if-none-match': given })
        expect([known.statusCode, known.body, known.headers['etag']]).toEqual([304, '', etag])
        expect(known.headers['content-type']).toBeUndefined()
      }
    }
    const changed = await first.get(url, { 'if-none-match': '"x"' })
    expect([changed.statusCode, changed.body]).toEqual([200, answer.body])
  })

  test('answers HEAD as GET, without the body', async () => {
    const { app, get } = await openReader(service)
    const url = `/data/${idOf(4)}`
    const { headers, body } = await get(url)
    const head = await app.inject({ method: 'HEAD', url })
    expect([head.statusCode, head.body, head.headers['etag']]).toEqual([200, '', headers['etag']])
    expect(head.headers['content-length']).toBe(String(Buffer.byteLength(body)))
  })

  test('that is missing is kept by nobody', async () => {
    const { get } = await openReader(service)
    const answer = await get(`/data/${uuid7At(older - 1)}`, { 'if-none-match': '*' })
    expect([answer.statusCode, answer.headers['cache-control']]).toEqual([404, 'no-store'])
  })

  test('shows the fields asked for, their text as it came', async () => {
    const { get } = await openReader(service)
    const whole = await get(`/data/${idOf(7)}`)
    const part = await get(`/data/${idOf(7)}?fields=amount,/address/zip,note,tags,none`)
    expect(part.body).toMatch(
      /"record":\{"amount":7\.50e0,"address":\{"zip":-0\},"note":null,"tags":\[1e0 ,2\]\}\}$/,
    )
    expect(part.headers['etag']).not.toBe(whole.headers['etag'])
    const refused = await get(`/data/${idOf(7)}?fields=/tags/0`)
    expect([refused.statusCode, refused.json().errors[0].parameter]).toEqual([400, 'fields'])
  })
})

test.each(['DELETE', 'PUT', 'TRACE', 'OPTIONS'] as const)(
  '%s is not allowed, and what is stands in Allow',
  async method => {
    const { app } = await openReader(service)
    const answer = await app.inject({ method, url: `/data/${idOf(0)}` })
    expect([answer.statusCode, answer.headers['allow']]).toEqual([405, 'GET, HEAD'])
  },
)

describe('a page', () => {
  test('has a weak tag and is asked for again each time', async () => {
    const { get } = await openReader(service)
    const answer = await get('/data?limit=3')
    expect(answer.headers).toMatchObject({
      etag: expect.stringMatching(/^W\/"[\w-]{22}"$/),
      'cache-control': 'private, no-cache',
      vary: 'accept',
    })
    const known = await get('/data?limit=3', { 'if-none-match': String(answer.headers['etag']) })
    expect(known.statusCode).toBe(304)
  })

  test('goes from the oldest on with order=asc', async () => {
    const { get } = await openReader(service)
    const first = (await get('/data?order=asc&limit=15&paid=true&amount[gte]=10')).json<Page>()
    const second = (
      await get(`/data?order=asc&limit=15&paid=true&amount[gte]=10&cursor=${first.next}`)
    ).json<Page>()
    const wanted = rows.filter((_, n) => n % 2 === 0 && n >= 10).map(({ id }) => id)
    expect([...idsOf(first), ...idsOf(second)]).toEqual(wanted)
    expect((await get(`/data?limit=15&paid=true&amount[gte]=10&cursor=${first.next}`)).statusCode).toBe(400)
  })

  test('shows the fields asked for', async () => {
    const { get } = await openReader(service)
    const { items } = (await get('/data?customer=c1&limit=1&fields=customer,/address/city')).json()
    expect(items[0].record).toEqual({ customer: 'c1', address: { city: 'Köln' } })
  })

  test('of ids has them in the order asked for, in one statement; what is missing is left out', async () => {
    const { get } = await openReader(service)
    const asked = [idOf(9), uuid7At(older - 5), idOf(2).toUpperCase(), 'nonsense', idOf(59)]
    const page = (await get(`/data?id=${asked.join(',')}`)).json<Page>()
    expect([idsOf(page), page.next]).toEqual([[idOf(9), idOf(2), idOf(59)], null])
    expect((await get('/data?id=nonsense')).json()).toEqual({ items: [], next: null })
  })

  test('of large records by their ids goes on with a cursor', async () => {
    const large = await migratedService(engines().postgres)
    const body = JSON.stringify({ text: 'x'.repeat(900_000) })
    const ids = Array.from({ length: 12 }, (_, n) => uuid7At(Date.now() - 60_000 + n))
    await insert(
      large,
      ids.map(id => ({ id, body })),
    )
    const { get } = await openReader(large)
    const first = (await get(`/data?id=${ids.join(',')}`)).json<Page>()
    const second = (await get(`/data?id=${ids.join(',')}&cursor=${first.next}`)).json<Page>()
    expect([...idsOf(first), ...idsOf(second)]).toEqual(ids)
    expect(second.next).toBeNull()
  })

  test('counts what the query selects, whatever the page', async () => {
    const { get } = await openReader(service)
    const exact = (await get('/data?customer=c1&limit=2&count=exact')).json<Page>()
    expect([exact.items.length, exact.count]).toEqual([2, { value: 12, relation: 'exact' }])
    const estimate = (await get('/data?limit=1&count=estimate')).json<Page>()
    expect(estimate.count?.relation).toBe('estimate')
    expect(estimate.count?.value).toBeGreaterThan(30)
    expect(estimate.count?.value).toBeLessThan(120)
  })
})

test('more records than are counted one by one', async () => {
  const many = await migratedService(engines().postgres)
  await insert(many, [{ id: uuid7At(older), body: '{}' }])
  const owner = many.open('owner')
  await owner.query(
    `INSERT INTO records SELECT lowest_id(id_time(id) + n * interval '1 ms'), key, accepted_at, schema_version, body
FROM records, generate_series(1, 10000) AS n`,
  )
  await owner.close()
  const { get } = await openReader(many)
  expect((await get('/data?limit=1&count=exact')).json<Page>().count).toEqual({
    value: 10_000,
    relation: 'at-least',
  })
})
