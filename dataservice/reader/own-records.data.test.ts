/** A caller that may see records of one key only: every way to read, and what the caches know from others. */
import { beforeAll, expect, test } from 'vitest'
import { internalHeaders } from '#dataservice/platform/http/internal-headers.ts'
import { engines } from '#e2e/engines/inject.ts'
import { type MigratedService, migratedService } from '#e2e/engines/migrated-database.ts'
import { uuid7At } from '#e2e/engines/records.ts'
import { openReader } from './testing/reader-app.ts'
import { insert } from './testing/rows.ts'

const older = Date.now() - 2 * 86_400_000
/** Every third one is of c1. */
const rows = Array.from({ length: 12 }, (_, n) => {
  const key = n % 3 === 0 ? 'c1' : 'c2'
  return { id: uuid7At(older + n * 1_000), key, body: `{"customer":"${key}","amount":${n}}` }
})
const all = rows.map(({ id }) => id)
const mine = rows.flatMap(({ id, key }) => (key === 'c1' ? [id] : []))
const theirs = all.find(id => !mine.includes(id)) ?? ''
const own = { [internalHeaders.ownKey]: 'c1' }

let service: MigratedService
beforeAll(async () => {
  service = await migratedService(engines().postgres)
  await insert(service, rows)
})

const idsOf = (page: { items: { id: string }[] }) => page.items.map(({ id }) => id)

test('one record: that of somebody else is not there, whoever has read it before', async () => {
  const { get } = await openReader(service)
  const first = mine[0] ?? ''
  const [tag, known] = [(await get(`/data/${theirs}`)).headers['etag'], await get(`/data/${first}`)]
  for (const url of [`/data/${theirs}`, `/data/${theirs}?fields=amount`]) {
    for (const headers of [own, { ...own, 'if-none-match': String(tag) }, { ...own, 'if-none-match': '*' }]) {
      const answer = await get(url, headers)
      expect([answer.statusCode, answer.json().type]).toEqual([
        404,
        'https://dataservice.dev/problems/record-not-found',
      ])
    }
  }
  const seen = await get(`/data/${first}`, own)
  expect([seen.statusCode, seen.body, seen.headers['etag']]).toEqual([200, known.body, known.headers['etag']])
  expect((await get(`/data/${first}?fields=amount`, own)).json().record).toEqual({ amount: 0 })
  expect((await get(`/data/${theirs}`)).statusCode).toBe(200)
  expect((await get(`/data/${first}/status`, own)).json()).toEqual({ id: first, status: 'stored' })
  expect((await get(`/data/${theirs}/status`, own)).statusCode).toBe(404)
})

test('lists, counts, records by ids and exports hold own records only', async () => {
  const { get } = await openReader(service)
  const newest = mine.toReversed()
  expect(idsOf((await get('/data?limit=10')).json())).toHaveLength(10)
  const page = (await get('/data?limit=3&count=exact', own)).json()
  expect([idsOf(page), page.count]).toEqual([newest.slice(0, 3), { value: 4, relation: 'exact' }])
  const rest = (await get(`/data?limit=3&cursor=${page.next}`, own)).json()
  expect([idsOf(rest), rest.next]).toEqual([newest.slice(3), null])
  expect(idsOf((await get('/data?customer=c1&order=asc', own)).json())).toEqual(mine)
  expect(idsOf((await get(`/data?id=${all.join()}`, own)).json())).toEqual(mine)
  const lines = (await get('/data', { ...own, accept: 'application/x-ndjson' })).body.trim().split('\n')
  expect(lines.map(line => JSON.parse(line).id)).toEqual(newest)
})

test('a cursor of somebody else is none, and who asks for another key is told so', async () => {
  const { get } = await openReader(service)
  const other = { [internalHeaders.ownKey]: 'c2' }
  const { next } = (await get('/data?limit=1', other)).json()
  expect((await get(`/data?limit=1&cursor=${next}`, own)).statusCode).toBe(400)
  for (const query of ['customer=c2', 'customer[in]=c1', 'customer[gte]=c1']) {
    const answer = await get(`/data?${query}`, own)
    expect([answer.statusCode, answer.json().type]).toEqual([
      403,
      'https://dataservice.dev/problems/foreign-record',
    ])
  }
  expect((await get('/data?paid=true&amount=1', own)).statusCode).toBe(400)
})

test('a route that does not obey the own key is closed', async () => {
  const { app } = await openReader(service)
  const answer = await app.inject({ method: 'POST', url: '/data', headers: own })
  expect([answer.statusCode, answer.json().type]).toEqual([403, 'https://dataservice.dev/problems/forbidden'])
})
