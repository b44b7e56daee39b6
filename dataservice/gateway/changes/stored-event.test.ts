import { expect, test } from 'vitest'
import { envelope } from '#dataservice/record/envelope.ts'
import { liftingTo } from '#dataservice/record/lifting.ts'
import { logRecord, uuid7At } from '#e2e/engines/records.ts'
import { storedEvent } from './stored-event.ts'

const lifting = liftingTo([
  { name: 'v1', upgrade: [] },
  { name: 'v2', upgrade: [{ op: 'move', from: '/a', path: '/b' }] },
])
const id = uuid7At(Date.UTC(2026, 2, 1))

test.each([
  ['v1', '{"a" : 1.50e0}', '"schemaVersion":"v2","record":{"b":1.50e0}}'],
  ['v2', '{"b" : 1.50e0}', '"schemaVersion":"v2","record":{"b" : 1.50e0}}'],
  ['v3', '{"c" : 1.50e0}', '"schemaVersion":"v3","record":{"c" : 1.50e0}}'],
])('a record of %s is told in the newest form that is known here', (version, body, end) => {
  const record = logRecord(0n, { id, body, headers: { [envelope.schemaVersion]: version } })
  expect(storedEvent(record, lifting)?.text.toString()).toMatch(
    new RegExp(`${end.replace(/[.{}+]/g, '\\$&')}$`),
  )
})

test('bytes of the newest version are passed on as they are', () => {
  const record = logRecord(0n, { id, body: '{}', headers: { [envelope.schemaVersion]: 'v2' } })
  const broken = Buffer.from([0x7b, 0xff, 0x7d]) // would not survive being read as text
  const event = storedEvent({ ...record, value: broken }, lifting)
  expect(event?.text.includes(broken)).toBe(true)
})
