/** Queries over an index that is declared and not built yet. */
import { pino } from 'pino'
import { expect, test, vi } from 'vitest'
import { migrate } from '#dataservice/migrate/migrate.ts'
import { indexDefinition } from '#dataservice/platform/postgres/record-fields.ts'
import { engines } from '#e2e/engines/inject.ts'
import { type MigratedService, migratedService } from '#e2e/engines/migrated-database.ts'
import { uuid7At } from '#e2e/engines/records.ts'
import { acceptedRecord, testRecord } from '#e2e/engines/service-settings.ts'
import { counting, openReader } from './testing/reader-app.ts'
import { insert } from './testing/rows.ts'

/** Stored before any index was declared; its readers know of the indexes of `testRecord`. */
async function unindexed(): Promise<MigratedService> {
  const service = await migratedService(engines().postgres, { record: { ...testRecord, indexes: [] } })
  await insert(service, [{ id: uuid7At(Date.now()), body: '{"customer":"a","amount":1}' }])
  const settings = { ...service.settings, record: testRecord }
  return { ...service, settings, record: acceptedRecord(testRecord) }
}

async function build({ open, settings, record }: MigratedService): Promise<void> {
  const database = open('owner')
  const { signal } = new AbortController()
  const log = pino({ level: 'silent' })
  await migrate({ database, settings, record, log, signal }).finally(() => database.close())
}

test('a query waits for its index: 409 names the remedy, and with the index it is answered', async () => {
  const service = await unindexed()
  const { get } = await openReader(service)
  for (const accept of ['application/json', 'text/csv']) {
    const refused = await get('/data?customer=a', { accept })
    expect([refused.statusCode, refused.headers['retry-after'], refused.json()]).toEqual([
      409,
      '10',
      expect.objectContaining({
        type: 'https://dataservice.dev/problems/index-not-ready',
        detail: expect.stringMatching(/^The index over \/customer .* Job has completed/),
      }),
    ])
  }
  expect((await get('/data?limit=1')).json().items).toHaveLength(1)
  await build(service)
  await vi.waitFor(async () => expect((await get('/data?customer=a')).json().items).toHaveLength(1), {
    timeout: 10_000,
  })
})

test('an index is found when it is built, also when the wall clock was set back meanwhile', async () => {
  const service = await unindexed()
  const clock = { behindMs: 0 }
  const { get } = await openReader(service, { now: () => Date.now() - clock.behindMs })
  expect((await get('/data?customer=a')).statusCode).toBe(409)
  await build(service)
  clock.behindMs = 3_600_000
  await vi.waitFor(async () => expect((await get('/data?customer=a')).statusCode).toBe(200), {
    timeout: 10_000,
  })
})

test('an index that holds some partitions is not enough', async () => {
  const service = await unindexed()
  const owner = service.open('owner')
  const [index] = service.record.indexes
  if (!index) throw new Error('the test service declares no index')
  await owner.query(`CREATE INDEX "${index.name}" ON ONLY records ${indexDefinition(index, 'Time')}`)
  await owner.close()
  const { get } = await openReader(service)
  expect((await get('/data?customer=a')).statusCode).toBe(409)
})

test('it is asked for once, and for nothing but queries over fields', async () => {
  const statements = counting()
  const service = await migratedService(engines().postgres)
  const { get } = await openReader(service, { between: statements.between, localBytes: 0 })
  // A page that is not full takes two statements.
  await get('/data?limit=7')
  expect(statements.count()).toBe(2)
  await get('/data?customer=a')
  expect(statements.count()).toBe(5)
  await get('/data?customer=b')
  await get('/data?paid=true&amount=1')
  expect(statements.count()).toBe(9)
})
