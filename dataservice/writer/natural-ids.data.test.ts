/** The writer over a table cut by hash of natural ids: the same id may come again, as the same record or as another. */
import { createHash } from 'node:crypto'
import { expect, onTestFinished, test, vi } from 'vitest'
import type { LogRecord } from '#dataservice/platform/kafka/port.ts'
import { engines } from '#e2e/engines/inject.ts'
import { type MigratedService, migratedService } from '#e2e/engines/migrated-database.ts'
import { logRecord, uuid7At } from '#e2e/engines/records.ts'
import { naturalIds } from '#e2e/engines/service-settings.ts'
import { soon } from '#e2e/engines/soon.ts'
import { assign, playedWriter } from './testing/played-writer.ts'

/** One writer over a log that the test plays by hand. */
function writer(service: MigratedService) {
  const database = service.open('writer')
  onTestFinished(() => database.close())
  return playedWriter(service.settings, database)
}

const sent = (offset: number, id: string, body: string): LogRecord =>
  logRecord(BigInt(offset), { id, body, eventId: uuid7At(Date.now()) })

const many = (count: number, from = 0): LogRecord[] =>
  Array.from({ length: count }, (_, n) => sent(from + n, `parcel ${n}`, `{"n": ${n} }`))

async function stored(service: MigratedService): Promise<{ bodies: Map<string, string>; next: number }> {
  const owner = service.open('owner')
  const { rows } = await owner.query('SELECT id, body FROM records')
  const offsets = await owner.query('SELECT sum(next_offset) FROM ingest_offsets')
  await owner.close()
  const bodies = new Map(rows.map(([id, body]) => [id ?? '', body ?? '']))
  expect(bodies.size).toBe(rows.length)
  return { bodies, next: Number(offsets.rows[0]?.[0]) }
}

const untilNext = (service: MigratedService, next: number) =>
  vi.waitFor(async () => expect((await stored(service)).next).toBe(next), { timeout: 15_000, interval: 20 })

const naturalService = () => migratedService(engines().postgres, naturalIds)

test('stores any id with the bytes of its record, the event and the hash of the body', async () => {
  const service = await naturalService()
  const { assignment } = writer(service)
  await assign(assignment, [0])
  const ids = ['a/b', '..%2f', 'tab\tquote"\\', 'Größe 😀', "'; DROP TABLE records; --", '𝒳'.repeat(200)]
  const body = '{"z":1e2,  "a":-0}'
  const log = ids.map((id, offset) => sent(offset, id, body))
  await assignment.records(0, log)
  await untilNext(service, ids.length)
  const { rows } = await service
    .open('owner')
    .query('SELECT id, event_id, encode(body_hash, $$hex$$), body FROM records')
  const hash = createHash('sha256').update(body).digest('hex')
  expect(new Map(rows.map(([id, ...rest]) => [id, rest]))).toEqual(
    new Map(ids.map((id, n) => [id, [String(log[n]?.headers.get('ce_id')), hash, body]])),
  )
})

test('the same record again is a duplicate, another one with its id a conflict; the first stays', async () => {
  const service = await naturalService()
  const { assignment, outcomes, lines } = writer(service)
  await assign(assignment, [0])
  await assignment.records(0, [sent(0, 'a', '{"n":1}'), sent(1, 'a', '{"n":1}'), sent(2, 'a', '{"n":2}')])
  await untilNext(service, 3)
  await assignment.records(0, [sent(3, 'b', '{}'), sent(4, 'a', '{"n": 1}'), sent(5, 'a', '{"n":1}')])
  await untilNext(service, 6)
  expect((await stored(service)).bodies).toEqual(new Map(Object.entries({ a: '{"n":1}', b: '{}' })))
  await expect.poll(outcomes, soon).toEqual({ stored: 2, duplicate: 2, 'id-conflict': 2 })
  const told = lines.map(line => JSON.parse(line)).filter(({ outcome }) => outcome === 'id-conflict')
  expect(told).toMatchObject([
    { partition: 0, offset: '2', id: 'a' },
    { partition: 0, offset: '4', id: 'a' },
  ])
})

test('what stands in the table decides, not what comes first in a batch', async () => {
  const service = await naturalService()
  const { assignment, outcomes } = writer(service)
  await assign(assignment, [0])
  await assignment.records(0, [sent(0, 'a', '{"n":1}')])
  await untilNext(service, 1)
  await assignment.records(0, [sent(1, 'a', '{"n":2}'), sent(2, 'a', '{"n":1}'), ...many(5, 3)])
  await untilNext(service, 8)
  await expect.poll(outcomes, soon).toEqual({ stored: 6, duplicate: 1, 'id-conflict': 1 })
})

test('a replay from offset 0 stores nothing twice and counts the same conflicts', async () => {
  const service = await naturalService()
  const log = [
    ...many(2_000),
    ...many(500, 2_000),
    ...many(50).map((_, n) => sent(2_500 + n, `parcel ${n}`, '[]')),
  ]
  const first = writer(service)
  await assign(first.assignment, [0])
  await first.assignment.records(0, log)
  await untilNext(service, 2_550)
  await expect.poll(first.outcomes, soon).toEqual({ stored: 2_000, duplicate: 500, 'id-conflict': 50 })
  const before = await stored(service)
  const owner = service.open('owner')
  await owner.query('UPDATE ingest_offsets SET next_offset = 0, last_id = NULL')
  await owner.close()
  const second = writer(service)
  await assign(second.assignment, [0])
  await second.assignment.records(0, log)
  await untilNext(service, 2_550)
  expect(await stored(service)).toEqual(before)
  await expect.poll(second.outcomes, soon).toEqual({ duplicate: 2_500, 'id-conflict': 50 })
})

test('partitions of the log that bring the same ids at once, in opposite order, all get through', async () => {
  const service = await naturalService()
  const { assignment, outcomes } = writer(service)
  const partitions = [0, 1, 2, 3]
  await assign(assignment, partitions)
  const bodyOf = (partition: number, n: number) => (n % 4 === 0 ? `{"from":${partition}}` : '{}')
  await Promise.all(
    partitions.map(async partition => {
      for (let batch = 0; batch < 4; batch++) {
        const ids = Array.from({ length: 200 }, (_, n) => batch * 200 + n)
        if (partition % 2 === 1) ids.reverse()
        const records = ids.map((n, at) => sent(batch * 200 + at, `parcel ${n}`, bodyOf(partition, n)))
        await assignment.records(partition, records)
      }
    }),
  )
  await untilNext(service, 4 * 800)
  expect((await stored(service)).bodies.size).toBe(800)
  await expect.poll(outcomes, soon).toEqual({ stored: 800, duplicate: 600 * 3, 'id-conflict': 200 * 3 })
})

test('while a partition of the table is missing its records wait, and they are stored when it is back', async () => {
  const service = await naturalService()
  const owner = service.open('owner')
  onTestFinished(() => owner.close())
  await owner.query('ALTER TABLE records DETACH PARTITION records_h2')
  const { assignment, lines } = writer(service)
  await assign(assignment, [0])
  await assignment.records(0, many(100))
  await vi.waitFor(() => expect(lines.join('')).toContain('"sqlState":"23514"'), soon)
  await owner.query(
    'ALTER TABLE records ATTACH PARTITION records_h2 FOR VALUES WITH (MODULUS 4, REMAINDER 2)',
  )
  await untilNext(service, 100)
  expect((await stored(service)).bodies.size).toBe(100)
})
