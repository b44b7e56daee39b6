import { describe, expect, test } from 'vitest'
import type { Settings } from '#dataservice/contract/settings.ts'
import { sharedHeaders } from '#dataservice/platform/kafka/batch-encoder.ts'
import { envelope } from '#dataservice/record/envelope.ts'
import { lowestUuid7 } from '#dataservice/record/uuid7.ts'
import { acceptedRecord, naturalIds, testRecord } from '#e2e/engines/service-settings.ts'
import { requestKeyOf, rulesWithKey, withKey } from './request-key.ts'
import type { SubmissionRules } from './submission.ts'
import { declaration, order, start } from './testing/gateway-app.ts'

const now = Date.UTC(2026, 2, 1, 12)
const day = 86_400_000

test.each([
  [undefined, undefined],
  ['abc', 'abc'],
  ['"quoted key"', 'quoted key'],
  ['x'.repeat(255), 'x'.repeat(255)],
])('the header %j is the key %j', (header, key) => {
  expect(requestKeyOf(header)).toBe(key)
})

test.each(['', '""', 'x'.repeat(256), 'é', 'a\tb'])('%j is no key', header => {
  expect(() => requestKeyOf(header)).toThrow(expect.objectContaining({ status: 400 }))
})

describe('a UUIDv7 as key', () => {
  const rules = (settings: Settings['record'] = testRecord): SubmissionRules => ({
    record: acceptedRecord(settings),
    partitions: 1,
    newId: () => 'made by us',
    constantHeaders: sharedHeaders({}),
    versions: new Map(),
  })
  const keyed = (time: number, changes = {}) => ({
    key: lowestUuid7(time).toUpperCase(),
    body: Buffer.from(' \n{}'),
    format: 'json' as const,
    now,
    maxAgeMs: 2 * day,
    ...changes,
  })

  test.each([
    ['of now', keyed(now), true],
    ['a little ahead', keyed(now + 299_000), true],
    ['too far ahead', keyed(now + 301_000), false],
    ['of yesterday', keyed(now - day), true],
    ['older than what is remembered', keyed(now - 3 * day), false],
    ['for an array', keyed(now, { body: Buffer.from('\r\n [{}]') }), false],
    ['for lines', keyed(now, { format: 'lines' }), false],
    ['that is none', keyed(now, { key: 'order-1' }), false],
  ])('%s', (_, body, isId) => {
    expect(rulesWithKey(rules(), body).newId()).toBe(isId ? body.key.toLowerCase() : 'made by us')
  })

  test('is no id where records bring their own', () => {
    expect(rulesWithKey(rules(naturalIds.record), keyed(now)).newId()).toBe('made by us')
  })
})

describe('POST with a key', () => {
  const keyOf = (record: { headers: Readonly<Record<string, string | Buffer>> } | undefined) =>
    String(record?.headers[envelope.requestKey])
  const send = async (key: string | undefined, body: string) => {
    const { post, log } = await start({ declaration })
    const answer = await post(body, 'application/json', key === undefined ? {} : { 'idempotency-key': key })
    return { answer, records: log.contents.flat() }
  }

  test('takes a UUIDv7 as the id of the record and of its event', async () => {
    const key = lowestUuid7(now - 1_000)
    const { answer, records } = await send(key, order('a'))
    expect([answer.statusCode, answer.json().id]).toEqual([202, key])
    expect([String(records[0]?.headers.ce_id), String(records[0]?.headers.ce_subject)]).toEqual([key, key])
  })

  test('where records change it is the id of the record alone: each try is an event of its own', async () => {
    const key = lowestUuid7(now - 1_000)
    const { post, log } = await start({
      declaration: { schema: declaration.schema, indexes: [] },
      isChanging: true,
    })
    const send = () => post(order('a'), 'application/json', { 'idempotency-key': key })
    expect([(await send()).json().id, (await send()).json().id]).toEqual([key, key])
    const records = log.contents.flat()
    expect(records.map(({ key, headers }) => [String(key), String(headers.ce_subject)])).toEqual([
      [key, key],
      [key, key],
    ])
    expect(new Set([key, ...records.map(({ headers }) => String(headers.ce_id))]).size).toBe(3)
    expect(keyOf(records[1])).toBe(keyOf(records[0]))
  })

  test('marks each record with a hash that differs by key, place and list', async () => {
    const [one, again, other] = await Promise.all([
      send('k', order('a')),
      send('"k"', order('b')),
      send('l', order('a')),
    ])
    const list = await send('k', `[${order('a')},${order('a')}]`)
    expect(keyOf(one.records[0])).toMatch(/^[0-9a-f]{64}$/)
    expect(keyOf(again.records[0])).toBe(keyOf(one.records[0]))
    const hashes = [one, other, list].flatMap(({ records }) => records.map(keyOf))
    expect(new Set(hashes).size).toBe(4)
  })

  test('a UUIDv7 has one hash for all callers and all times, any other key one for each caller', async () => {
    const hashFor = (key: string, caller: string) => {
      const { record } = { record: { key: Buffer.from(''), value: Buffer.from(''), headers: {} } }
      return keyOf(
        withKey({ isList: false, ids: ['x'], drafts: [{ partition: 0, record }] }, { key, caller }).drafts[0]
          ?.record,
      )
    }
    const id = lowestUuid7(now - 900 * day)
    expect(hashFor(id, 'a')).toBe(hashFor(id.toUpperCase(), 'b'))
    expect(hashFor('order-1', 'a')).not.toBe(hashFor('order-1', 'b'))
  })

  test('without a key a record has no header more', async () => {
    const { records } = await send(undefined, order('a'))
    const { headers, shared } = records[0] ?? {}
    expect(Object.keys({ ...shared?.headers, ...headers })).toHaveLength(Object.keys(envelope).length - 1)
  })

  test('a key that is none is refused', async () => {
    expect((await send('x'.repeat(300), order('a'))).answer.statusCode).toBe(400)
  })
})
