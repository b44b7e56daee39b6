/** Rows of several versions, read in the form of the newest one. */
import { randomUUID } from 'node:crypto'
import { beforeAll, describe, expect, test } from 'vitest'
import type { Settings } from '#dataservice/contract/settings.ts'
import { engines } from '#e2e/engines/inject.ts'
import { type MigratedService, migratedService } from '#e2e/engines/migrated-database.ts'
import { uuid7At } from '#e2e/engines/records.ts'
import { acceptedRecord, changing } from '#e2e/engines/service-settings.ts'
import { openReader } from './testing/reader-app.ts'
import { insert } from './testing/rows.ts'

const customer = { type: 'string', maxLength: 64 }
const one = {
  type: 'object',
  required: ['customer', 'amount'],
  properties: { customer, amount: { type: 'number' } },
}
const address = { type: 'object', required: ['country'], properties: { country: { type: 'string' } } }
const two = {
  type: 'object',
  required: ['customer', 'total', 'address'],
  properties: { customer, total: { type: 'number' }, address },
}
const versions = [
  { name: 'v1', schema: one },
  {
    name: 'v2',
    schema: two,
    upgrade: [
      { op: 'move' as const, from: '/amount', path: '/total' },
      { op: 'default' as const, path: '/address/country', value: 'D"E' },
    ],
  },
]
const record = { schema: two, versions, indexes: [{ fields: ['/customer'] }] } satisfies Settings['record']
const before = {
  schema: one,
  versions: versions.slice(0, 1),
  indexes: record.indexes,
} satisfies Settings['record']

const start = Date.now() - 3_600_000
const rows = [
  { version: '1a2b3c4d', body: '{"customer":"a","amount":1.50e0,"x" : [1, 2]}' },
  { version: 'v1', body: '{"amount":12345678901234567890,"customer":"a"}' },
  { version: 'v2', body: '{ "customer" : "a",\t"total" : -0, "address":{"country" : "AT"} }' },
  { version: 'v3', body: '{ "customer" : "a", "sum":1}' },
].map((row, index) => ({ ...row, id: uuid7At(start + index) }))
const shown = [
  ['v2', '{"customer":"a","x":[1, 2],"total":1.50e0,"address":{"country":"D\\"E"}}'],
  ['v2', '{"customer":"a","total":12345678901234567890,"address":{"country":"D\\"E"}}'],
  ['v2', rows[2]?.body],
  ['v3', rows[3]?.body],
] as const
const text = (index: number, body = shown[index]?.[1]) => {
  const { id } = rows[index] ?? { id: '' }
  const at = new Date(Number.parseInt(id.replaceAll('-', '').slice(0, 12), 16)).toISOString()
  return `{"id":"${id}","acceptedAt":"${at}","schemaVersion":"${shown[index]?.[0]}","record":${body}}`
}

let service: MigratedService
beforeAll(async () => {
  service = await migratedService(engines().postgres, { record })
  await insert(service, rows)
})

test.each(rows.map((row, index) => ({ ...row, index })))(
  'a record of version $version by its id',
  async ({ index }) => {
    const { get } = await openReader(service)
    expect((await get(`/data/${rows[index]?.id}`)).body).toBe(text(index))
  },
)

test('pages and lines, found by a field of all versions', async () => {
  const { get } = await openReader(service)
  const all = rows.map((_, index) => text(index))
  const page = await get('/data?customer=a&order=asc')
  expect(page.body).toBe(`{"items":[${all.join(',')}],"next":null}`)
  const lines = await get('/data?order=asc', { accept: 'application/x-ndjson' })
  expect(lines.body).toBe(all.map(line => `${line}\n`).join(''))
})

test('fields are cut out of the newest form, as the database cuts them', async () => {
  const { get } = await openReader(service)
  const page = await get('/data?order=asc&fields=total,/address/country')
  expect(page.body).toBe(
    `{"items":[${[
      text(0, '{"total":1.50e0,"address":{"country":"D\\"E"}}'),
      text(1, '{"total":12345678901234567890,"address":{"country":"D\\"E"}}'),
      text(2, '{"total":-0,"address":{"country":"AT"}}'),
      text(3, '{}'),
    ].join(',')}],"next":null}`,
  )
  const part = await get(`/data/${rows[0]?.id}?fields=total`)
  expect(part.body).toBe(text(0, '{"total":1.50e0}'))
})

test('CSV has the columns of the newest version', async () => {
  const { get } = await openReader(service)
  const lines = (await get('/data?order=asc', { accept: 'text/csv' })).body.split('\r\n')
  expect(lines.map(line => line.split(',').slice(2).join(','))).toEqual([
    'schemaVersion,customer,total,address',
    'v2,a,1.50e0,"{""country"":""D\\""E""}"',
    'v2,a,12345678901234567890,"{""country"":""D\\""E""}"',
    'v2,a,-0,"{""country"" : ""AT""}"',
    'v3,a,,',
    '',
  ])
})

test('readers of two versions side by side keep their answers apart', async () => {
  const prefix = `${randomUUID()}:`
  const old = await openReader(
    { ...service, settings: { ...service.settings, record: before }, record: acceptedRecord(before) },
    { prefix },
  )
  const now = await openReader(service, { prefix })
  const url = `/data/${rows[1]?.id}`
  const oldText = text(1, rows[1]?.body).replace('"schemaVersion":"v2"', '"schemaVersion":"v1"')
  for (let round = 0; round < 2; round++) {
    expect((await old.get(url)).body).toBe(oldText)
    expect((await now.get(url)).body).toBe(text(1))
  }
  expect((await old.get('/data?order=asc')).body).toContain(oldText)
  expect((await now.get('/data?order=asc')).body).toContain(text(1))
  // What came later than a reader is shown as it is.
  const newest = `/data/${rows[2]?.id}`
  expect((await old.get(newest)).body).toBe(text(2))
})

describe('records that change', () => {
  const body = '{"customer":"a","amount":1e0}'
  const lifted = '{"customer":"a","total":1e0,"address":{"country":"D\\"E"}}'

  async function changed() {
    const world = await migratedService(engines().postgres, { ...changing, record })
    const owner = world.open('owner')
    const eventId = uuid7At(Date.now())
    await owner.query({ text: 'SELECT ensure_partition($1)', values: [eventId] })
    await owner.query({
      text: `INSERT INTO records VALUES ('a', 'a', now(), 'v1', $1, 2, now(), $2), ('b', 'b', now(), 'v2', $1, 2, now(), $2)`,
      values: [body, eventId],
    })
    await owner.query({
      text: `INSERT INTO events VALUES ($2, 'a', 'replace', now(), 'v1', 1, $1, NULL, NULL)`,
      values: [body, eventId],
    })
    await owner.close()
    return openReader(world)
  }

  test('have another ETag in another form, and their history is in the newest form', async () => {
    const { get } = await changed()
    const [one, other] = [await get('/data/a'), await get('/data/b')]
    expect([one.headers['etag'], other.headers['etag']]).toEqual(['"2-2"', '"2-2"'])
    expect([one.json().schemaVersion, one.body.includes(`"record":${lifted}`)]).toEqual(['v2', true])
    expect((await get('/data/a', { 'if-none-match': '"2-2"' })).statusCode).toBe(304)
    expect((await get('/data/a', { 'if-none-match': '"2"' })).statusCode).toBe(200)
    const history = await get('/data/a/events')
    expect(history.body).toContain(`"schemaVersion":"v2","record":${lifted}`)
  })
})
