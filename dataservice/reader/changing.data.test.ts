/** The reader where records change: what is there now, and how it came to be. */
import { beforeAll, describe, expect, test, vi } from 'vitest'
import { internalHeaders } from '#dataservice/platform/http/internal-headers.ts'
import { ownKeyText } from '#dataservice/platform/http/own-key.ts'
import { mark } from '#dataservice/platform/redis/versioned.ts'
import { engines } from '#e2e/engines/inject.ts'
import { type MigratedService, migratedService } from '#e2e/engines/migrated-database.ts'
import { uuid7At } from '#e2e/engines/records.ts'
import { changing } from '#e2e/engines/service-settings.ts'
import { soon } from '#e2e/engines/soon.ts'
import { openReader } from './testing/reader-app.ts'
import { type Change, putVersion } from './testing/rows.ts'

let service: MigratedService
const events: string[] = []

const put = async (change: Change): Promise<void> => {
  events.push(await putVersion(service, change))
}

const order = (customer: string, amount: string) => `{"customer":"${customer}",  "amount":${amount}}`

beforeAll(async () => {
  service = await migratedService(engines().postgres, changing)
  for (let version = 1; version <= 5; version++)
    await put({ id: 'a/b', version, body: order('x', `${version}e0`) })
  await put({ id: 'gone', version: 1, body: order('x', '1') })
  await put({ id: 'gone', version: 2 })
  await put({ id: 'other', version: 1, body: order('x', '2') })
})

describe('one record', () => {
  test('comes byte for byte with its version as strong ETag, and is asked for each time', async () => {
    const { get } = await openReader(service)
    const found = await get('/data/a%2Fb')
    expect(found.body).toMatch(/"record":\{"customer":"x", {2}"amount":5e0\}\}$/)
    expect([found.headers.etag, found.headers['cache-control']]).toEqual(['"5"', 'private, no-cache'])
    expect((await get('/data/a%2Fb', { 'if-none-match': '"5"' })).statusCode).toBe(304)
    expect((await get('/data/a%2Fb', { 'if-none-match': '"4"' })).statusCode).toBe(200)
    expect((await get('/data/a%2Fb?fields=amount')).json().record).toEqual({ amount: 5 })
  })

  test('is answered from the cache until a writer says that it changes', async () => {
    const { get, cache, cached } = await openReader(service)
    await vi.waitFor(async () => expect((await cache.get('x')).kind).toBe('miss'), soon)
    const change = async (version: number, body?: string) => {
      cache.setNewest([mark('now', BigInt(version))], { onlyNewer: true })
      await put({ id: 'now', version, ...(body !== undefined && { body }) })
    }
    const etags = async () => [
      (await get('/data/now')).headers.etag,
      (await get('/data/now', { [internalHeaders.ownKey]: ownKeyText('now') })).headers.etag,
    ]
    for (const version of [1, 2]) {
      await change(version, order('y', String(version)))
      expect(await etags()).toEqual([`"${version}"`, `"${version}"`])
    }
    expect((await get('/data/now', { [internalHeaders.ownKey]: ownKeyText('other') })).statusCode).toBe(404)
    await change(3)
    for (let n = 0; n < 3; n++) expect((await get('/data/now')).statusCode).toBe(404)
    await change(4, order('y', '4'))
    expect((await get('/data/now')).headers.etag).toBe('"4"')
    expect(await cached()).toEqual({ 'record hit': 4, 'record miss': 4 })
  })

  test('that is deleted is not found, in no way', async () => {
    const { get } = await openReader(service)
    expect((await get('/data/gone')).json().type).toMatch(/record-not-found$/)
    const listed = async (query: string) =>
      (await get(`/data${query}`)).json().items.map(({ id }: { id: string }) => id)
    expect(await listed('?id=gone,other')).toEqual(['other'])
    expect(await listed('?customer=x')).toEqual(['other', 'a/b'])
    expect((await listed('')).includes('gone')).toBe(false)
    expect((await get('/data?customer=x&count=exact')).json().count).toEqual({ value: 2, relation: 'exact' })
    expect(
      (await get('/data?customer=x', { accept: 'application/x-ndjson' })).body.trim().split('\n'),
    ).toHaveLength(2)
  })
})

describe('the history of a record', () => {
  test('has every change in the order of versions, page by page', async () => {
    const { get } = await openReader(service)
    const { items, next } = (await get('/data/a%2Fb/events?limit=3')).json()
    expect(items).toHaveLength(3)
    expect(items[0]).toEqual({
      version: 1,
      eventId: events[0],
      command: 'replace',
      acceptedAt: expect.stringMatching(/^\d{4}-.*Z$/),
      schemaVersion: 'v1',
      record: { customer: 'x', amount: 1 },
    })
    const rest = (await get(`/data/a%2Fb/events?cursor=${next}`)).json()
    expect([rest.items.map(({ version }: { version: number }) => version), rest.next]).toEqual([[4, 5], null])
  })

  test('of large records comes in several pages, deletions between them in their place', async () => {
    const { get } = await openReader(service)
    const body = order('x', `1,"rest":"${'x'.repeat(850_000)}"`)
    for (let version = 1; version <= 13; version++)
      await put({ id: 'large', version, ...(version !== 12 && { body }) })
    const versions: number[] = []
    for (let cursor: string | null = '0'; cursor !== null; ) {
      const { body: text } = await get(`/data/large/events?cursor=${cursor}`)
      const page: { items: { version: number }[]; next: string | null } = JSON.parse(text)
      versions.push(...page.items.map(({ version }) => version))
      cursor = page.next
    }
    expect(versions).toEqual(Array.from({ length: 13 }, (_, n) => n + 1))
  })

  test('outlives the record, and ends with its deletion', async () => {
    const { get } = await openReader(service)
    const { items } = (await get('/data/gone/events')).json()
    expect(
      items.map(({ command, record }: { command: string; record: unknown }) => [command, record]),
    ).toEqual([
      ['replace', { customer: 'x', amount: 1 }],
      ['delete', null],
    ])
  })

  test.each([
    ['/data/nobody/events', 404],
    ['/data/a%2Fb/events?limit=0', 400],
    ['/data/a%2Fb/events?cursor=x', 400],
    ['/data/a%2Fb/events?status=open', 400],
  ])('%s answers %i', async (url, code) => {
    const { get } = await openReader(service)
    expect((await get(url)).statusCode).toBe(code)
  })

  test('tells gateways which version an event has made', async () => {
    const { get } = await openReader(service)
    expect((await get(`/versions/${events[1]}`)).headers.etag).toBe('"2"')
    for (const event of [uuid7At(Date.now()), 'x'])
      expect((await get(`/versions/${event}`)).statusCode).toBe(404)
  })

  test('is closed to a caller with another key', async () => {
    const { get } = await openReader(service)
    const asked = async (own: string) =>
      (await get('/data/gone/events', { [internalHeaders.ownKey]: ownKeyText(own) })).statusCode
    expect([await asked('gone'), await asked('other')]).toEqual([200, 404])
  })
})

test('a service whose records stay has no history', async () => {
  const { get } = await openReader(await migratedService(engines().postgres))
  expect((await get('/data/a/events')).statusCode).toBe(404)
})
