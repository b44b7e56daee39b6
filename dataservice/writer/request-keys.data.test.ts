/** Records with an Idempotency-Key over several partitions of the log at once: one of each key is stored, whatever happens. */
import { createHash } from 'node:crypto'
import { expect, onTestFinished, test, vi } from 'vitest'
import type { Settings } from '#dataservice/contract/settings.ts'
import type { LogRecord } from '#dataservice/platform/kafka/port.ts'
import { envelope } from '#dataservice/record/envelope.ts'
import { engines } from '#e2e/engines/inject.ts'
import { migratedService } from '#e2e/engines/migrated-database.ts'
import { logRecord, uuid7At } from '#e2e/engines/records.ts'
import { changing, naturalIds } from '#e2e/engines/service-settings.ts'
import { heldWorld } from './testing/held-world.ts'
import { assign, proxiedWriter } from './testing/played-writer.ts'

async function world(changes: Partial<Settings> = {}) {
  const service = await migratedService(engines().postgres, changes)
  const owner = service.open('owner')
  onTestFinished(() => owner.close())
  const writer = () => proxiedWriter(service, { statementTimeoutMs: 2_000, networkGraceMs: 500 })
  const rows = async (text: string) => (await owner.query(text)).rows
  const untilNext = (next: number) =>
    vi.waitFor(
      async () => expect(await rows('SELECT sum(next_offset) FROM ingest_offsets')).toEqual([[String(next)]]),
      { timeout: 25_000, interval: 20 },
    )
  return { owner, writer, rows, untilNext }
}

function keyed(offset: number, key: string, body: string, id = uuid7At(Date.now()), eventId = id): LogRecord {
  const record = logRecord(BigInt(offset), { body, id, eventId })
  const hash = createHash('sha256').update(key).digest('hex')
  return {
    ...record,
    headers: new Map([...record.headers.entries(), [envelope.requestKey, Buffer.from(hash)]]),
  }
}

const idOf = (record: LogRecord | undefined) => String(record?.headers.get(envelope.subject))
const decisions = 'SELECT log_offset, outcome, winner FROM outcomes ORDER BY partition, log_offset'

test('the first record of a key is stored; the same body is a duplicate of it, another one is refused', async () => {
  const { writer, rows, untilNext } = await world()
  const { assignment } = await writer()
  await assign(assignment, [0])
  const log = [keyed(0, 'a', '{}'), keyed(1, 'b', '{}'), keyed(2, 'a', '{}'), keyed(3, 'a', '[]')]
  await assignment.records(0, log)
  await untilNext(4)
  await assignment.records(0, [keyed(4, 'b', '{}'), keyed(5, 'c', '{}'), logRecord(6n, { body: '{}' })])
  await untilNext(7)
  const [a, b] = log.map(idOf)
  expect(await rows(decisions)).toEqual([
    ['2', 'duplicate', a],
    ['3', 'key-reused', a],
    ['4', 'duplicate', b],
  ])
  expect(await rows('SELECT count(*) FROM records')).toEqual([['4']])
})

test('a log that is read again comes to the same end, also under a key that is the id', async () => {
  const { owner, writer, rows, untilNext } = await world()
  const first = await writer()
  await assign(first.assignment, [0])
  const id = uuid7At(Date.now())
  const log = [keyed(0, 'x', '{}', id), keyed(1, 'x', '{}', id), keyed(2, 'x', '[]', id), keyed(3, 'y', '{}')]
  await first.assignment.records(0, log)
  await untilNext(4)
  const decided = [
    ['1', 'duplicate', id],
    ['2', 'key-reused', id],
  ]
  expect(await rows(decisions)).toEqual(decided)
  await owner.query('UPDATE ingest_offsets SET next_offset = 0, last_id = NULL')
  const second = await writer()
  await assign(second.assignment, [0])
  await second.assignment.records(0, log)
  await untilNext(4)
  expect(await rows(decisions)).toEqual(decided)
  // Two ids of one millisecond stand in either order.
  const stored = await rows('SELECT id, body FROM records ORDER BY id')
  expect(stored).toEqual(
    [
      [id, '{}'],
      [idOf(log[3]), '{}'],
    ].toSorted(),
  )
})

test('a refused record gives its key back: the corrected one is stored', async () => {
  const { writer, rows, untilNext } = await world()
  const { assignment } = await writer()
  await assign(assignment, [0])
  await assignment.records(0, [keyed(0, 'a', '{'), keyed(1, 'b', '{}'), keyed(2, 'a', '{')])
  await untilNext(3)
  await assignment.records(0, [keyed(3, 'a', '{"right":1}')])
  await untilNext(4)
  expect(await rows(decisions)).toEqual([
    ['0', 'refused', null],
    ['2', 'refused', null],
  ])
  expect(await rows('SELECT log_offset FROM dead_letters ORDER BY 1')).toEqual([['0'], ['2']])
  expect(await rows('SELECT count(*) FROM records')).toEqual([['2']])
})

test('records that change: a refused record gives its key back, though the key is its id', async () => {
  const { start, rows, untilNext } = await heldWorld(changing)
  const { assignment } = await start({ holdsKeys: false })
  const id = uuid7At(Date.now())
  const bodies = [
    '{"customer":"x","amount":1e999999}',
    '{"customer":"x","amount":1}',
    '{"customer":"x","amount":2}',
  ]
  const sent = bodies.map((body, offset) => keyed(offset, 'a', body, id, uuid7At(Date.now())))
  const log = sent.map(record => ({ ...record, key: Buffer.from(id) }))
  for (const [offset, record] of log.entries()) {
    await assignment.records(0, [record])
    await untilNext(offset + 1)
  }
  expect(await rows(decisions)).toEqual([
    ['0', 'refused', null],
    ['2', 'key-reused', id],
  ])
  expect(await rows('SELECT id, version, body FROM records')).toEqual([[id, '1', bodies[1]]])
})

test('natural ids: a key stands for one record of its own', async () => {
  const { writer, rows, untilNext } = await world(naturalIds)
  const { assignment } = await writer()
  await assign(assignment, [0])
  const event = () => uuid7At(Date.now())
  await assignment.records(0, [
    keyed(0, 'a', '{}', 'one', event()),
    keyed(1, 'a', '{}', 'one', event()),
    keyed(2, 'a', '{"n":2}', 'two', event()),
    keyed(3, 'b', '{}', 'one', event()),
  ])
  await untilNext(4)
  expect(await rows(decisions)).toEqual([
    ['1', 'duplicate', 'one'],
    ['2', 'key-reused', 'one'],
    ['3', 'duplicate', 'one'],
  ])
})

const partitions = [0, 1, 2, 3]
const perPartition = 400

/** The same keys in each partition, in opposite orders, half of them under another body. */
function sameKeys(partition: number): LogRecord[] {
  const keys = Array.from({ length: perPartition }, (_, n) => n)
  if (partition % 2 === 1) keys.reverse()
  return keys.map((key, offset) =>
    keyed(offset, `key ${key}`, key % 2 === 0 ? '{}' : `{"from":${partition}}`),
  )
}

async function oneOfEach(
  rows: (text: string) => Promise<readonly (readonly (string | null)[])[]>,
  untilNext: (next: number) => Promise<void>,
) {
  await untilNext(partitions.length * perPartition)
  expect(await rows('SELECT count(*) FROM records')).toEqual([[String(perPartition)]])
  expect(await rows('SELECT count(*) FROM request_keys k JOIN records r ON r.id::text = k.id')).toEqual([
    [String(perPartition)],
  ])
  expect(await rows('SELECT outcome, count(*) FROM outcomes GROUP BY 1 ORDER BY 1')).toEqual([
    ['duplicate', String((perPartition / 2) * 3)],
    ['key-reused', String((perPartition / 2) * 3)],
  ])
  expect(
    await rows(
      'SELECT count(*) FROM outcomes o LEFT JOIN records r ON r.id::text = o.winner WHERE r.id IS NULL',
    ),
  ).toEqual([['0']])
}

test('two writers that meet the same keys at once, in opposite order, store one record of each', async () => {
  const { writer, rows, untilNext } = await world()
  const writers = [await writer(), await writer()]
  await Promise.all(
    writers.map(async ({ assignment }, n) => {
      const own = partitions.filter(partition => partition % 2 === n)
      await assign(assignment, own)
      await Promise.all(own.map(partition => assignment.records(partition, sameKeys(partition))))
    }),
  )
  await oneOfEach(rows, untilNext)
})

test.each(['cut-before', 'cut-after', 'freeze'] as const)(
  'a connection that meets %s at COMMIT leaves no key without its record',
  async fault => {
    const { writer, rows, untilNext } = await world()
    const writers = [await writer(), await writer()]
    await Promise.all(
      writers.map(async ({ assignment, proxy }, n) => {
        const own = partitions.filter(partition => partition % 2 === n)
        await assign(assignment, own)
        proxy.failAt('COMMIT', fault)
        await Promise.all(own.map(partition => assignment.records(partition, sameKeys(partition))))
      }),
    )
    await oneOfEach(rows, untilNext)
  },
)
