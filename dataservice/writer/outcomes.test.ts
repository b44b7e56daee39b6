import { expect, test } from 'vitest'
import { logRecord } from '#e2e/engines/records.ts'
import type { LogRow, NewRow, Unreadable } from './decode.ts'
import { doublesOf, readable } from './outcomes.ts'

const record = logRecord(0n, { body: '{}' })
const row = (id: string, bodyHash?: string, eventId = `event of ${id} ${bodyHash}`): NewRow => ({
  offset: 0n,
  eventId,
  id,
  idTime: 0,
  fields: [],
  bytes: 0,
  record,
  ...(bodyHash !== undefined && { bodyHash }),
})
const held = (bodyHash: string, eventId = 'another') => ({ bodyHash, eventId })

test.each([
  ['different ids', [row('a', '1'), row('b', '2')], {}, {}],
  ['one event twice', [row('a', '1'), row('a', '1')], {}, {}],
  ['two events with the same bytes', [row('a', '1', 'x'), row('a', '1', 'y')], {}, { 1: 'duplicate' }],
  [
    'another body under an id of the batch',
    [row('a', '1'), row('a', '2'), row('a', '1')],
    {},
    { 1: 'id-conflict' },
  ],
  ['another body than the stored one', [row('a', '1')], { a: held('2') }, { 0: 'id-conflict' }],
  ['the stored body of another event', [row('a', '1')], { a: held('1') }, { 0: 'duplicate' }],
  ['the stored event itself', [row('a', '1', 'x')], { a: held('1', 'x') }, {}],
  [
    'what is stored counts before the first of the batch',
    [row('a', '1'), row('a', '2', 'y')],
    { a: held('2') },
    { 0: 'id-conflict', 1: 'duplicate' },
  ],
  ['rows whose ids cannot come from two events', [row('a'), row('a')], {}, {}],
])('%s', (_, rows, standing, outcomes) => {
  const all: readonly LogRow[] = rows
  const found = doublesOf(rows, new Map(Object.entries(standing)))
  expect(Object.fromEntries(found.map(each => [all.indexOf(each.row), each.outcome]))).toEqual(outcomes)
  expect(found.every(({ winner }) => winner === 'a')).toBe(true)
})

test('what cannot be read is refused with its reason, the rest goes on in order', () => {
  const bad: Unreadable = { offset: 1n, eventId: undefined, bytes: 0, record, unreadable: 'no ce_id' }
  const rows: LogRow[] = [row('a'), bad, row('b')]
  expect(readable(rows)).toEqual({
    rows: [rows[0], rows[2]],
    refused: [{ row: bad, outcome: 'refused', reason: 'no ce_id' }],
  })
})
