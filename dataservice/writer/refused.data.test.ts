import { randomBytes } from 'node:crypto'
import { expect, onTestFinished, test, vi } from 'vitest'
import type { Settings } from '#dataservice/contract/settings.ts'
import type { LogRecord } from '#dataservice/platform/kafka/port.ts'
import { startPostgresProxy } from '#dataservice/platform/postgres/testing/proxy.ts'
import { envelope } from '#dataservice/record/envelope.ts'
import { engines } from '#e2e/engines/inject.ts'
import { migratedService } from '#e2e/engines/migrated-database.ts'
import { logRecord, uuid7At } from '#e2e/engines/records.ts'
import { naturalIds } from '#e2e/engines/service-settings.ts'
import { deadLetters } from './relay-store.ts'
import { assign, playedWriter } from './testing/played-writer.ts'

/** `port`: where the writer finds Postgres, when not at Postgres itself. */
async function world(changes: Partial<Settings> = {}, port?: number) {
  const service = await migratedService(engines().postgres, changes)
  const database = service.open('writer', port === undefined ? {} : { port, networkGraceMs: 500 })
  const owner = service.open('owner')
  const wakeRelay = vi.fn()
  const start = () => playedWriter(service.settings, database, { deadLetters: wakeRelay })
  const first = start()
  onTestFinished(async () => {
    first.assignment.revoked()
    await Promise.all([database.close(), owner.close()])
  })
  await assign(first.assignment, [0])
  const rows = async (text: string) => (await owner.query(text)).rows
  const untilNext = (next: number) =>
    vi.waitFor(
      async () => expect(await rows('SELECT sum(next_offset) FROM ingest_offsets')).toEqual([[String(next)]]),
      { timeout: 15_000, interval: 20 },
    )
  return { ...first, start, owner, database, rows, untilNext, wakeRelay }
}

const good = (offset: number, body = `{"n":${offset}}`): LogRecord => logRecord(BigInt(offset), { body })
const goods = (count: number, from = 0): LogRecord[] =>
  Array.from({ length: count }, (_, n) => good(from + n))
const idOf = (record: LogRecord) => String(record.headers.get(envelope.subject))

test('one refused record among many is a dead letter with all it has; the others are stored', async () => {
  const { assignment, outcomes, rows, untilNext } = await world()
  const refused = logRecord(135n, { body: '{"broken":', key: 'tab\tkey' })
  await assignment.records(0, [...goods(135), refused, ...goods(200, 136)])
  await untilNext(336)
  await expect.poll(outcomes, { timeout: 20_000 }).toEqual({ stored: 335, refused: 1 })
  expect(assignment.notReady()).toBeUndefined()
  const id = idOf(refused)
  expect(
    await rows(`SELECT topic, partition, log_offset, event_id, record_id, convert_from(key, 'UTF8'),
      convert_from(value, 'UTF8'), convert_from(decode(headers->>'ce_subject', 'base64'), 'UTF8'), sql_state, relayed_at
      FROM dead_letters`),
  ).toEqual([['shop.orders.events', '0', '135', id, id, 'tab\tkey', '{"broken":', id, '22P02', null]])
  expect(await rows('SELECT event_id, log_offset, outcome, reason FROM outcomes')).toEqual([
    [id, '135', 'refused', 'invalid input syntax for type json'],
  ])
})

test('records without an envelope, or with one that no text can hold, are dead letters, never a gap', async () => {
  const { assignment, outcomes, rows, untilNext } = await world()
  const foreign: LogRecord = { ...good(3), key: undefined, value: Buffer.from([0, 255]), headers: new Map() }
  const odd: LogRecord = {
    ...good(4),
    headers: new Map([
      [envelope.eventId, Buffer.from('e\0vent')],
      ['x\0', Buffer.from([255])],
    ]),
  }
  const tombstone: LogRecord = { ...good(5), value: undefined }
  await assignment.records(0, [...goods(3), foreign, odd, tombstone])
  await untilNext(6)
  await expect.poll(outcomes, { timeout: 20_000 }).toEqual({ stored: 3, refused: 3 })
  expect(
    await rows(`SELECT log_offset, event_id, encode(key, 'escape'), encode(value, 'hex'), headers, reason
      FROM dead_letters WHERE log_offset < 5`),
  ).toEqual([
    ['3', null, null, '00ff', '{}', 'no ce_id'],
    [
      '4',
      'e\ufffdvent',
      'key',
      Buffer.from('{"n":4}').toString('hex'),
      expect.stringContaining('x\\u0000'),
      'no ce_subject',
    ],
  ])
  expect(await rows('SELECT value, reason FROM dead_letters WHERE log_offset = 5')).toEqual([
    [null, 'no value'],
  ])
})

test('a writer goes on behind a last record that has no event id', async () => {
  const { assignment, start, untilNext } = await world()
  const foreign: LogRecord = { ...good(2), headers: new Map() }
  await assignment.records(0, [...goods(2), foreign])
  await untilNext(3)
  const heir = start()
  expect(await assign(heir.assignment, [0])).toEqual(new Map([[0, 3n]])) // nothing to compare it with
  await heir.assignment.records(0, goods(4, 3))
  await untilNext(7)
  expect(heir.assignment.notReady()).toBeUndefined()
})

test('thousands of refused records between good ones get through, each once, also when the log is read again', async () => {
  const { assignment, outcomes, owner, start, rows, untilNext } = await world()
  const log = Array.from({ length: 3_000 }, (_, n) => good(n, n % 3 === 0 || n > 2_000 ? '{' : '{}'))
  await assignment.records(0, log)
  await untilNext(3_000)
  const counts = { stored: 1_334, refused: 1_666 }
  await expect.poll(outcomes, { timeout: 20_000 }).toEqual(counts)
  await owner.query('UPDATE ingest_offsets SET next_offset = 0, last_id = NULL')
  const again = start()
  await assign(again.assignment, [0])
  await again.assignment.records(0, log)
  await untilNext(3_000)
  await expect
    .poll(again.outcomes, { timeout: 20_000 })
    .toEqual({ duplicate: counts.stored, refused: counts.refused })
  for (const table of ['dead_letters', 'outcomes'])
    expect(await rows(`SELECT count(*) FROM ${table}`)).toEqual([[String(counts.refused)]])
  expect(await rows('SELECT count(*) FROM records')).toEqual([[String(counts.stored)]])
})

test('a refused record, a missing partition and a duplicate in one batch', async () => {
  const { assignment, outcomes, untilNext } = await world()
  const old = uuid7At(Date.now() - 40 * 86_400_000)
  const twice = good(0)
  await assignment.records(0, [twice, ...goods(4, 1)])
  await untilNext(5)
  const mixed = [
    { ...twice, offset: 5n },
    good(6, '{'),
    logRecord(7n, { body: '{}', id: old }),
    good(8, '['),
    logRecord(9n, { body: '{}', id: uuid7At(Date.now() + 40 * 86_400_000) }),
    good(10),
  ]
  await assignment.records(0, mixed)
  await untilNext(11)
  await expect.poll(outcomes, { timeout: 20_000 }).toEqual({ stored: 7, duplicate: 1, refused: 2, future: 1 })
})

test('a record beyond a limit of Postgres is refused, whatever it is too large for; the others are stored', async () => {
  const { assignment, owner, outcomes, rows, untilNext } = await world()
  await owner.query("CREATE INDEX ON records ((body->>'text'))")
  const text = randomBytes(4_000).toString('hex') // does not shrink to what fits a page of an index
  const log = [
    ...goods(20),
    good(20, `{"text":"${text}"}`),
    good(21, `${'['.repeat(100_000)}${']'.repeat(100_000)}`),
    ...goods(20, 22),
  ]
  await assignment.records(0, log)
  await untilNext(42)
  await expect.poll(outcomes, { timeout: 20_000 }).toEqual({ stored: 40, refused: 2 })
  expect(assignment.notReady()).toBeUndefined()
  expect(await rows('SELECT log_offset, sql_state FROM dead_letters ORDER BY 1')).toEqual([
    ['20', '54000'],
    ['21', '54001'],
  ])
})

test('another record of a refused one’s id is stored: nothing that can be stored is lost', async () => {
  const { assignment, outcomes, rows, untilNext } = await world(naturalIds)
  const sent = (offset: number, id: string, body: string) =>
    logRecord(BigInt(offset), { id, body, eventId: uuid7At(Date.now()) })
  const log = [
    sent(0, 'a', '{'),
    sent(1, 'a', '{}'),
    sent(2, 'a\0b', '{}'),
    sent(3, 'a', '[]'),
    sent(4, 'a', '{}'),
  ]
  await assignment.records(0, log)
  await untilNext(5)
  await expect
    .poll(outcomes, { timeout: 20_000 })
    .toEqual({ stored: 1, refused: 2, 'id-conflict': 1, duplicate: 1 })
  expect(await rows('SELECT id, body FROM records')).toEqual([['a', '{}']])
  expect(await rows('SELECT log_offset, record_id, outcome, winner FROM outcomes ORDER BY 1')).toEqual([
    ['0', 'a', 'refused', null],
    ['2', 'a\ufffdb', 'refused', null],
    ['3', 'a', 'id-conflict', 'a'],
    ['4', 'a', 'duplicate', 'a'],
  ])
})

test('what is stored as it was sent leaves no outcome', async () => {
  const { assignment, rows, untilNext } = await world(naturalIds)
  const log = Array.from({ length: 50 }, (_, n) =>
    logRecord(BigInt(n), { id: `parcel ${n}`, body: '{}', eventId: uuid7At(Date.now()) }),
  )
  await assignment.records(0, log)
  await untilNext(50)
  await assignment.records(
    0,
    log.map((record, n) => ({ ...record, offset: BigInt(50 + n) })),
  )
  await untilNext(100)
  expect(await rows('SELECT count(*) FROM outcomes')).toEqual([['0']])
})

test('the relay finds the letters of its partitions with their bytes and place, until they are marked', async () => {
  const { assignment, database, untilNext } = await world()
  const refused = logRecord(1n, { body: '{"broken":', key: 'k' })
  const tombstone: LogRecord = { ...good(2), value: undefined }
  await assignment.records(0, [good(0), refused, tombstone])
  await untilNext(3)
  const letters = deadLetters(database, 'shop.orders.events')
  expect(await letters.waiting([1, 2])).toEqual([])
  const [first, second] = await letters.waiting([0])
  expect(first?.record).toMatchObject({ key: Buffer.from('k'), value: Buffer.from('{"broken":') })
  expect(
    Object.fromEntries(Object.entries(first?.record.headers ?? {}).map(([name, v]) => [name, String(v)])),
  ).toMatchObject({
    [envelope.eventId]: idOf(refused),
    dataservice_topic: 'shop.orders.events',
    dataservice_partition: '0',
    dataservice_offset: '1',
    dataservice_reason: 'invalid input syntax for type json',
    dataservice_sqlstate: '22P02',
  })
  expect(second?.record.headers.dataservice_value).toBe('absent')
  expect(await letters.count([0])).toBe(2)
  await letters.markRelayed([first?.id ?? ''])
  expect((await letters.waiting([0])).map(({ id }) => id)).toEqual([second?.id])
  expect(await letters.count([0])).toBe(1)
})

test('the relay is woken for letters whose COMMIT was not answered, too', async () => {
  const proxy = await startPostgresProxy(engines().postgres)
  onTestFinished(() => proxy.close())
  const { assignment, untilNext, wakeRelay } = await world({}, proxy.port)
  expect(wakeRelay).toHaveBeenCalledTimes(1) // for what an earlier owner may have left
  proxy.failAt('COMMIT', 'cut-after')
  await assignment.records(0, [good(0, '{')])
  await untilNext(1)
  await vi.waitFor(() => expect(wakeRelay).toHaveBeenCalledTimes(2), { timeout: 10_000 })
})
