/** What a record keeps while it waits for another one with the same key, and how many keys may be held. */
import { expect, test, vi } from 'vitest'
import { envelope } from '#dataservice/record/envelope.ts'
import { type TestRecord, testVersion, uuid7At } from '#e2e/engines/records.ts'
import { changing } from '#e2e/engines/service-settings.ts'
import { maxHeldKeys } from './held-keys.ts'
import { record, soon, heldWorld as world } from './testing/held-world.ts'

test('a record that waits has its Idempotency-Key: what is sent again is a duplicate of it, also once it is stored', async () => {
  const { start, rows, stored, waiting, untilNext, letGo } = await world()
  const { assignment } = await start()
  const key = (letter: string) => ({ headers: { [envelope.requestKey]: letter.repeat(64) } })
  const behind = record(1, 'a', '"behind"', key('b'))
  const later = record(2, 'a', '"later"', key('c'))
  await assignment.records(0, [record(0, 'a', '{'), behind])
  await untilNext(2)
  await assignment.records(0, [
    later,
    record(3, 'a', '"later"', key('c')),
    record(4, 'b', '"another"', key('b')),
  ])
  await untilNext(5)
  expect(await waiting()).toEqual(['1', '2'])
  const [idOfBehind, idOfLater] = [behind, later].map(({ headers }) => String(headers.get(envelope.subject)))
  const decided = 'SELECT log_offset, outcome, winner FROM outcomes WHERE winner IS NOT NULL ORDER BY 1'
  const expected = [
    ['3', 'duplicate', idOfLater],
    ['4', 'key-reused', idOfBehind],
  ]
  expect(await rows(decided)).toEqual(expected)
  await letGo()
  assignment.release()
  await vi.waitFor(async () => expect(await stored('a')).toEqual(['"behind"', '"later"']), soon)
  await assignment.records(0, [record(5, 'a', '"behind"', key('b'))])
  await untilNext(6)
  expect(await rows(decided)).toEqual([...expected, ['5', 'duplicate', idOfBehind]])
  expect(await stored('b')).toEqual([])
})

test('a record that waits is stored in its own schema version, and only by a writer that knows it', async () => {
  const { start, rows, stored, waiting, untilNext, letGo } = await world()
  const inVersion = (name: string) => ({ headers: { [envelope.schemaVersion]: name } })
  const first = await start()
  const refused = record(0, 'a', '{')
  const [next, last] = [record(1, 'a'), record(2, 'a', '2', inVersion('newer'))]
  await first.assignment.records(0, [refused, next, last])
  await untilNext(3)
  first.assignment.revoked()
  await letGo()
  const knowing = (...names: string[]) => ({
    knownVersions: async () => ({ has: (version: Buffer) => names.includes(String(version)) }),
  })
  const old = await start(knowing(testVersion))
  const [later, other] = [record(3, 'a'), record(4, 'b')]
  await old.assignment.records(0, [last, later, other])
  await untilNext(5)
  expect([await stored('a'), await stored('b'), await waiting()]).toEqual([[], ['4'], ['1', '2', '3']])
  old.assignment.revoked()
  const { assignment } = await start(knowing(testVersion, 'newer'))
  await assignment.records(0, [other, record(5, 'a')])
  await untilNext(6)
  expect(await stored('a')).toEqual(['1', '2', '3', '5'])
  expect(await rows(`SELECT body, schema_version FROM records WHERE key = 'a' ORDER BY id`)).toEqual([
    ['1', testVersion],
    ['2', 'newer'],
    ['3', testVersion],
    ['5', testVersion],
  ])
})

test('too many keys stop the partition, which goes on when they are let go', async () => {
  const { start, owner, stored, untilNext, letGo } = await world()
  const topic = 'shop.orders.events'
  await owner.query(`INSERT INTO dead_letters (topic, partition, log_offset, key, headers, reason, content_hash, blocks)
SELECT '${topic}', 0, -n, n::text::bytea, '{}', 'r', '', true FROM generate_series(1, ${maxHeldKeys}) AS n`)
  const first = await start()
  const last = record(0, 'a', '{')
  await first.assignment.records(0, [last])
  await untilNext(1)
  await vi.waitFor(() => expect(first.assignment.notReady()).toContain('TooManyHeldKeys'), soon)
  const second = await start()
  void second.assignment.records(0, [last, record(1, 'b')])
  await vi.waitFor(() => expect(second.assignment.notReady()).toContain('TooManyHeldKeys'), soon)
  expect(await stored('b')).toEqual([])
  await letGo()
  const { assignment } = await start()
  await assignment.records(0, [last, record(1, 'b'), record(2, 'a')])
  await untilNext(3)
  expect([await stored('a'), await stored('b'), assignment.notReady()]).toEqual([['2'], ['1'], undefined])
})

test('changes of a record wait behind a refused one, and are made in their order', async () => {
  const { start, rows, waiting, outcomes, untilNext, letGo } = await world(changing)
  const { assignment } = await start()
  let moment = Date.now() - 1_000
  const change = (offset: number, body: string, command: TestRecord['command']) =>
    record(offset, 'a', body, { id: 'a', eventId: uuid7At(moment++), ...(command && { command }) })
  await assignment.records(0, [
    change(0, '{"customer":"c","amount":1}', 'create'),
    change(1, '{', 'replace'),
    change(2, '{"amount":2}', 'merge'),
  ])
  await untilNext(3)
  await assignment.records(0, [
    change(3, '', 'delete'),
    record(4, 'b', '{}', { id: 'b', eventId: uuid7At(moment++) }),
  ])
  await untilNext(5)
  expect([await waiting(), await outcomes()]).toEqual([
    ['2', '3'],
    [
      ['1', 'refused'],
      ['2', 'held'],
      ['3', 'held'],
    ],
  ])
  await letGo()
  assignment.release()
  await vi.waitFor(async () => expect(await waiting()).toEqual([]), soon)
  const history = `SELECT command, version, outcome, body FROM events WHERE record_id = 'a' ORDER BY id`
  expect(await rows(history)).toEqual([
    ['create', '1', null, '{"customer":"c","amount":1}'],
    ['replace', null, 'refused', null],
    ['merge', '2', null, '{"customer":"c","amount":2}'],
    ['delete', '3', null, null],
  ])
})
