/** Many questions at once cost few statements, and nothing is given that is too old. */
import { randomBytes } from 'node:crypto'
import { beforeAll, describe, expect, test, vi } from 'vitest'
import { engines } from '#e2e/engines/inject.ts'
import { type MigratedService, migratedService } from '#e2e/engines/migrated-database.ts'
import { uuid7At } from '#e2e/engines/records.ts'
import { counting, openReader } from './testing/reader-app.ts'
import { insert } from './testing/rows.ts'

const older = Date.now() - 2 * 86_400_000
const id = uuid7At(older)
let service: MigratedService
beforeAll(async () => {
  service = await migratedService(engines().postgres)
  await insert(service, [{ id, body: '{"customer":"c1"}' }])
})

const newPrefix = () => `${randomBytes(6).toString('hex')}:`

describe('1,000 questions at once for one record', () => {
  test.each([
    ['that is there', id, 200],
    ['that is missing', uuid7At(older - 1), 404],
  ])('%s are one statement in one pod, and at most one in each of three', async (_, asked, status) => {
    for (const pods of [1, 3]) {
      const statements = counting()
      const prefix = newPrefix()
      const readers = await Promise.all(
        Array.from({ length: pods }, () => openReader(service, { prefix, between: statements.between })),
      )
      const answers = await Promise.all(
        Array.from({ length: 1_000 }, (_, n) => readers[n % pods]?.get(`/data/${asked}`)),
      )
      expect(new Set(answers.map(answer => answer?.statusCode))).toEqual(new Set([status]))
      expect(statements.count()).toBeGreaterThanOrEqual(1)
      expect(statements.count()).toBeLessThanOrEqual(pods)
    }
  })
})

test('what is in memory needs neither cache nor database', async () => {
  const statements = counting()
  const { get, cached } = await openReader(service, { between: statements.between })
  const first = await get(`/data/${id}`)
  for (let n = 0; n < 5; n++) expect((await get(`/data/${id.toUpperCase()}`)).body).toBe(first.body)
  expect(statements.count()).toBe(1)
  expect(await cached()).toMatchObject({ 'record local': 5 })
})

test('a wall clock that is set back makes nothing in memory younger than it is', async () => {
  const clock = { behindMs: 0 }
  const { get } = await openReader(service, { now: () => Date.now() - clock.behindMs })
  const found = async () => (await get('/data?customer=set-back')).json<{ items: unknown[] }>().items.length
  const missing = uuid7At(older + 7)
  expect([await found(), (await get(`/data/${missing}`)).statusCode]).toEqual([0, 404])
  await insert(service, [{ id: missing, body: '{"customer":"set-back"}' }])
  clock.behindMs = 3_600_000
  const both = async () => [await found(), (await get(`/data/${missing}`)).statusCode]
  await vi.waitFor(async () => expect(await both()).toEqual([1, 200]), { timeout: 5_000, interval: 50 })
})

test('a list is given while it is a little old, renewed behind it, and never older than a second', async () => {
  const statements = counting()
  const { get } = await openReader(service, { between: statements.between })
  const url = '/data?customer=fresh'
  const found = async () => (await get(url)).json<{ items: unknown[] }>().items.length
  expect(await found()).toBe(0)
  const asked = performance.now()
  await insert(service, [{ id: uuid7At(older + 5), body: '{"customer":"fresh"}' }])
  await vi.waitFor(async () => expect(await found()).toBe(1), { timeout: 3_000, interval: 20 })
  expect(performance.now() - asked).toBeLessThan(1_500)
  // Once for the index; each time for the newest partitions, and for the rest.
  expect(statements.count()).toBe(5)
})

test('a young id is asked for each time, an old one is remembered for a second', async () => {
  const statements = counting()
  const { get } = await openReader(service, { between: statements.between })
  const young = uuid7At(Date.now())
  for (let n = 0; n < 3; n++) expect((await get(`/data/${young}`)).json().type).toMatch(/not-yet-visible$/)
  expect(statements.count()).toBe(3)
  const missing = uuid7At(older - 7)
  for (let n = 0; n < 3; n++) expect((await get(`/data/${missing}`)).statusCode).toBe(404)
  expect(statements.count()).toBe(4)
  await insert(service, [{ id: missing, body: '{}' }])
  await vi.waitFor(async () => expect((await get(`/data/${missing}`)).statusCode).toBe(200), {
    timeout: 3_000,
  })
})
