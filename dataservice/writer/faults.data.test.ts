import { expect, onTestFinished, test, vi } from 'vitest'
import type { LogRecord } from '#dataservice/platform/kafka/port.ts'
import { engines } from '#e2e/engines/inject.ts'
import { type MigratedService, migratedService } from '#e2e/engines/migrated-database.ts'
import { logRecord } from '#e2e/engines/records.ts'
import { soon } from '#e2e/engines/soon.ts'
import { assign, playedWriter, proxiedWriter } from './testing/played-writer.ts'

/** A writer that reaches Postgres through a proxy of its own. */
const writer = (service: MigratedService) =>
  proxiedWriter(service, { statementTimeoutMs: 300, networkGraceMs: 200 }, () => ({
    range: { start: 0n, end: 10_000n },
  }))

const records = (count: number, from = 0): LogRecord[] =>
  Array.from({ length: count }, (_, index) => logRecord(BigInt(from + index), { body: `{"n":${index}}` }))

async function stored(service: MigratedService) {
  const owner = service.open('owner')
  const { rows } = await owner.query(
    'SELECT (SELECT count(*) FROM records), (SELECT sum(next_offset) FROM ingest_offsets)',
  )
  await owner.close()
  return { rows: Number(rows[0]?.[0]), next: Number(rows[0]?.[1]) }
}

const untilStored = (service: MigratedService, count: number) =>
  vi.waitFor(async () => expect(await stored(service)).toEqual({ rows: count, next: count }), {
    timeout: 20_000,
    interval: 20,
  })

const statements = ['BEGIN', 'UPDATE ingest_offsets', 'COPY records', 'PGCOPY', 'COMMIT'] as const
const faults = ['cut-before', 'cut-after', 'freeze'] as const

test.each(statements.flatMap(text => faults.map(fault => ({ text, fault }))))(
  'every record is stored once when the connection meets $fault at $text',
  async ({ text, fault }) => {
    const service = await migratedService(engines().postgres)
    const { assignment, proxy } = await writer(service)
    await assign(assignment, [0])
    const log = records(900)
    proxy.failAt(text, fault)
    await assignment.records(0, log.slice(0, 300))
    await proxy.happened()
    await assignment.records(0, log.slice(300))
    await untilStored(service, 900)
    expect(assignment.notReady()).toBeUndefined()
  },
)

test('a commit whose answer was lost is recognised, not written again', async () => {
  const service = await migratedService(engines().postgres)
  const { assignment, proxy, outcomes } = await writer(service)
  await assign(assignment, [0])
  proxy.failAt('COMMIT', 'cut-after')
  await assignment.records(0, records(100))
  await proxy.happened()
  await assignment.records(0, records(50, 100))
  await untilStored(service, 150)
  await expect.poll(outcomes, soon).toEqual({ stored: 50 })
})

test('a claim that is repeated because its answer was lost does not shut its own writer out', async () => {
  const service = await migratedService(engines().postgres)
  const { assignment, proxy } = await writer(service)
  proxy.failAt('INSERT INTO ingest_offsets', 'cut-after')
  await assign(assignment, [0])
  await assignment.records(0, records(20))
  await untilStored(service, 20)
})

test('a zombie in the middle of its transaction makes the heir wait, then writes nothing more', async () => {
  const service = await migratedService(engines().postgres)
  const [zombie, heir] = [await writer(service), await writer(service)]
  const log = records(200)
  await assign(zombie.assignment, [0])
  zombie.proxy.failAt('COMMIT', 'freeze') // its rows are written, the transaction stays open
  await zombie.assignment.records(0, log.slice(0, 100))
  await zombie.proxy.happened()
  const from = (await assign(heir.assignment, [0])).get(0)
  await zombie.assignment.records(0, log.slice(100))
  await heir.assignment.records(0, log.slice(Number(from)))
  await untilStored(service, 200)
  // Whether the zombie's first half came through before the claim is chance; never are both halves its own.
  const storedBefore = from === 0n ? 0 : 100
  await expect.poll(heir.outcomes, soon).toEqual({ stored: 200 - storedBefore })
})

test('a writer whose connections lead to a former primary goes on at the new one', async () => {
  const service = await migratedService(engines().postgres)
  const database = service.open('writer', { poolSize: 1 })
  onTestFinished(() => database.close())
  const { assignment } = playedWriter(service.settings, database)
  await assign(assignment, [0])
  await database.query('SET default_transaction_read_only = on')
  await assignment.records(0, records(20))
  await untilStored(service, 20)
})

test('memory stays flat and nothing is lost while the database is away', async () => {
  const service = await migratedService(engines().postgres)
  const { assignment, proxy } = await writer(service)
  await assign(assignment, [0])
  proxy.failAt('BEGIN', 'freeze')
  const taken = vi.fn()
  void assignment.records(0, records(600)).then(taken)
  await proxy.happened()
  expect(taken).not.toHaveBeenCalled()
  await untilStored(service, 600)
  await vi.waitFor(() => expect(taken).toHaveBeenCalled(), soon)
})

test('a revoked partition lets its caller go at once and writes nothing more', async () => {
  const service = await migratedService(engines().postgres)
  const { assignment, proxy } = await writer(service)
  await assign(assignment, [0])
  proxy.failAt('BEGIN', 'freeze')
  const waiting = assignment.records(0, records(600))
  await proxy.happened()
  assignment.revoked()
  await waiting
  await assign(assignment, [])
  expect(await stored(service)).toEqual({ rows: 0, next: 0 })
})
