import { createHash } from 'node:crypto'
import { describe, expect, test } from 'vitest'
import type { LogRecord } from '#dataservice/platform/kafka/port.ts'
import { envelope } from '#dataservice/record/envelope.ts'
import { decode, isReadable, storableText } from './decode.ts'
import { recordsTables } from './table.ts'

const id = '0199d1f0-7c00-7abc-8def-0123456789ab'
const headers = {
  [envelope.eventId]: 'event',
  [envelope.subject]: id,
  [envelope.time]: '2026-01-31T12:00:00.123Z',
  [envelope.schemaVersion]: '1a2b3c4d',
}

function record(changes: Record<string, string | undefined> = {}, parts: Partial<LogRecord> = {}): LogRecord {
  const texts = Object.entries({ ...headers, ...changes }).flatMap(([name, text]) =>
    text === undefined ? [] : [[name, Buffer.from(text)] as const],
  )
  const whole = { offset: 5n, key: Buffer.from('k'), value: Buffer.from('{"a":1e2}'), timestamp: 0 }
  return { ...whole, headers: new Map(texts), ...parts }
}

test('a record becomes a row with its bytes', () => {
  const decoded = decode(record(), recordsTables.Time)
  expect(decoded).toMatchObject({ offset: 5n, eventId: 'event', id, idTime: 0x0199d1f07c00 })
  expect(isReadable(decoded) && decoded.fields.map(String).slice(3)).toEqual(['1a2b3c4d', '{"a":1e2}'])
})

test('a record without a key has its id as key', () => {
  const decoded = decode(record({}, { key: undefined }), recordsTables.Time)
  expect(isReadable(decoded) && String(decoded.fields[1])).toBe(id)
})

test('an id without characters that Postgres refuses stays as it is', () => {
  expect([storableText('a\0b'), storableText('ä'), storableText(undefined)]).toEqual([
    'a\ufffdb',
    'ä',
    undefined,
  ])
})

test.each([
  ['no event id', { [envelope.eventId]: undefined }, {}, 'no ce_id'],
  ['no record id', { [envelope.subject]: undefined }, {}, 'no ce_subject'],
  [
    'a UUID of version 4',
    { [envelope.subject]: id.replace('-7abc', '-4abc') },
    {},
    'ce_subject is no UUIDv7',
  ],
  ['no time', { [envelope.time]: 'soon' }, {}, 'ce_time is no time'],
  ['a time of year 0', { [envelope.time]: '0000-12-31T23:59:59.999Z' }, {}, 'ce_time is no time'],
  ['a time of year 12345', { [envelope.time]: '+012345-01-01T00:00:00Z' }, {}, 'ce_time is no time'],
  ['no schema version', { [envelope.schemaVersion]: undefined }, {}, 'no ce_schemaversion'],
  ['no value', {}, { value: undefined }, 'no value'],
])('a record with %s is unreadable', (_, changes, parts, reason) => {
  const log = record(changes, parts)
  const decoded = decode(log, recordsTables.Time)
  expect(decoded).toMatchObject({ offset: 5n, record: log, unreadable: reason })
  expect(isReadable(decoded)).toBe(false)
})

test.each(['0001-01-01T00:00:00.000Z', '9999-12-31T23:59:59.999Z'])('%s is a time', time => {
  expect(isReadable(decode(record({ [envelope.time]: time }), recordsTables.Time))).toBe(true)
})

describe('a record with a natural id', () => {
  const natural = { [envelope.eventId]: id, [envelope.subject]: 'köln/1' }

  test('becomes a row with its event and the hash of its body', () => {
    const decoded = decode(record(natural), recordsTables.Hash)
    const hash = createHash('sha256').update('{"a":1e2}').digest()
    expect(decoded).toMatchObject({ id: 'köln/1', bodyHash: hash.toString('hex') })
    expect(isReadable(decoded) && decoded.fields).toEqual([
      Buffer.from('köln/1'),
      Buffer.from('k'),
      expect.any(Buffer),
      Buffer.from('1a2b3c4d'),
      Buffer.from('{"a":1e2}'),
      Buffer.from(id.replaceAll('-', ''), 'hex'),
      hash,
    ])
  })

  test.each([
    ['an empty id', { [envelope.subject]: '' }, 'ce_subject is empty'],
    [
      'an id that fits no index',
      { [envelope.subject]: 'x'.repeat(2_401) },
      'ce_subject has more than 2400 bytes',
    ],
    ['an event id that is no UUIDv7', { [envelope.eventId]: 'event' }, 'ce_id is no UUIDv7'],
  ])('%s is unreadable', (_, changes, reason) => {
    const decoded = decode(record({ ...natural, ...changes }), recordsTables.Hash)
    expect(decoded).toMatchObject({ unreadable: reason })
  })
})
