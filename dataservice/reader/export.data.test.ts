/** Exports: everything that a query selects, in bounded memory, complete or visibly broken off. */
import { once } from 'node:events'
import { request } from 'node:http'
import { beforeAll, expect, onTestFinished, test, vi } from 'vitest'
import { DatabaseFailure } from '#dataservice/platform/postgres/failure.ts'
import type { Reads } from '#dataservice/platform/postgres/reads.ts'
import { engines } from '#e2e/engines/inject.ts'
import { type MigratedService, migratedService } from '#e2e/engines/migrated-database.ts'
import { uuid7At } from '#e2e/engines/records.ts'
import { counting, openReader } from './testing/reader-app.ts'
import { insert } from './testing/rows.ts'

const older = Date.now() - 86_400_000
const count = 3_500
let service: MigratedService
beforeAll(async () => {
  service = await migratedService(engines().postgres)
  await insert(service, [
    { id: uuid7At(older), body: '{"customer":"a,\\"b\\"", "amount":1e0,"address":{"city" : "x"}}' },
  ])
  const owner = service.open('owner')
  await owner.query(
    `INSERT INTO records SELECT lowest_id(id_time(id) + n * interval '1 ms'), key, accepted_at, schema_version,
('{"customer":"c' || n % 2 || '", "amount":' || n || '}')::json FROM records, generate_series(1, ${count - 1}) AS n`,
  )
  await owner.close()
})

const ndjson = { accept: 'application/x-ndjson' }
const csv = { accept: 'text/csv' }

test('NDJSON has every record once, newest first, as it is answered by itself', async () => {
  const statements = counting()
  const { get } = await openReader(service, { between: statements.between })
  const answer = await get('/data', ndjson)
  expect(answer.headers).toMatchObject({ 'content-type': 'application/x-ndjson', vary: 'accept' })
  const lines = answer.body.trimEnd().split('\n')
  expect(lines).toHaveLength(count)
  const amounts = lines.map(line => JSON.parse(line).record.amount)
  expect(amounts.slice(0, -1)).toEqual(Array.from({ length: count - 1 }, (_, n) => count - 1 - n))
  expect(lines.at(-1)).toBe((await get(`/data/${JSON.parse(lines.at(-1) ?? '').id}`)).body)
  expect(statements.count()).toBe(6) // four pages, a look beyond the newest partitions, and the one record
})

test('a query selects, and fields cut', async () => {
  const { get } = await openReader(service)
  const lines = (await get('/data?customer=c1&order=asc&fields=amount', ndjson)).body.trimEnd().split('\n')
  expect(lines).toHaveLength(count / 2)
  expect(lines[1]).toMatch(/"record":\{"amount":3\}\}$/)
})

test('CSV has a column for each member of the schema', async () => {
  const { get } = await openReader(service)
  const answer = await get('/data?order=asc', csv)
  const lines = answer.body.split('\r\n')
  expect(lines[0]).toBe('id,acceptedAt,schemaVersion,customer,amount,quantity,paid,address')
  expect(lines[1]).toMatch(/^[^,]+,[^,]+,1a2b3c4d,"a,""b""",1e0,,,"\{""city"" : ""x""\}"$/)
  expect(lines).toHaveLength(count + 2)
  const cut = (await get('/data?order=asc&fields=/address/city,amount', csv)).body.split('\r\n')
  expect(cut.slice(0, 2)).toEqual([
    'id,acceptedAt,schemaVersion,/address/city,amount',
    expect.stringMatching(/,x,1e0$/),
  ])
})

test('nothing is an empty answer, HEAD has no body, and a limit has no place', async () => {
  const { app, get } = await openReader(service)
  expect((await get('/data?customer=none', ndjson)).body).toBe('')
  const head = await app.inject({ method: 'HEAD', url: '/data', headers: csv })
  expect([head.statusCode, head.headers['content-type'], head.body]).toEqual([200, 'text/csv', ''])
  expect((await get('/data?limit=5', ndjson)).json().errors[0].parameter).toBe('limit')
})

/** Fails the questions with these numbers, the first one being 1. */
const failing = (fails: (question: number) => boolean) => (reads: Reads) => {
  let asked = 0
  return {
    busy: 0,
    waiting: 0,
    query(...question: Parameters<Reads['query']>) {
      asked += 1
      return fails(asked)
        ? Promise.reject(new DatabaseFailure('canceled', 'lost', { sqlState: '40001' }))
        : reads.query(...question)
    },
  }
}

test('a page that fails is asked for again', async () => {
  const { get } = await openReader(service, { between: failing(question => [2, 4].includes(question)) })
  expect((await get('/data', ndjson)).body.trimEnd().split('\n')).toHaveLength(count)
})

test('an export that cannot begin is a problem; one that cannot go on breaks off', async () => {
  const { get } = await openReader(service, { between: failing(() => true) })
  expect((await get('/data', ndjson)).statusCode).toBe(503)
  const { app } = await openReader(service, { between: failing(question => question > 2) })
  const url = await app.listen({ port: 0, host: '127.0.0.1' })
  const answer = await fetch(`${url}/data`, { headers: ndjson })
  expect(answer.status).toBe(200)
  await expect(answer.text()).rejects.toThrow()
})

test('a client that does not read holds the pages back', async () => {
  const large = await migratedService(engines().postgres)
  const body = JSON.stringify({ text: 'x'.repeat(500_000) })
  await insert(
    large,
    Array.from({ length: 60 }, (_, n) => ({ id: uuid7At(older + n), body })),
  )
  const statements = counting()
  const { app } = await openReader(large, { between: statements.between })
  const url = await app.listen({ port: 0, host: '127.0.0.1' })
  const asked = request(`${url}/data`, { headers: ndjson, agent: false })
  onTestFinished(() => void asked.destroy())
  const [answer] = await once(asked.end(), 'response')
  let before = -1
  await vi.waitFor(
    () => {
      const stands = before === statements.count()
      before = statements.count()
      expect(stands).toBe(true)
    },
    { interval: 300, timeout: 10_000 },
  )
  expect(before).toBeLessThan(20) // of about 30 pages with two records each
  let bytes = 0
  for await (const chunk of answer) bytes += chunk.length
  expect(bytes).toBeGreaterThan(60 * 500_000)
})
