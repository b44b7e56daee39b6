import { expect, test } from 'vitest'
import { logRecord } from '#e2e/engines/records.ts'
import { RowBuffer, withoutDoubles } from './buffer.ts'
import type { LogRow, NewRow } from './decode.ts'

const row = (offset: number, bytes = 10, id = String(offset)): NewRow => ({
  offset: BigInt(offset),
  eventId: id,
  id,
  idTime: 0,
  fields: [],
  bytes,
  record: logRecord(BigInt(offset), { id, body: '{}' }),
})

function filled(sizes: readonly number[]): RowBuffer {
  const buffer = new RowBuffer({ maxRecords: 3, maxBytes: 100 })
  for (const [offset, bytes] of sizes.entries()) buffer.push(row(offset, bytes))
  return buffer
}

const offsets = (rows: readonly LogRow[]) => rows.map(({ offset }) => Number(offset))

test.each([
  ['nothing', [], 3, [], false],
  ['some records', [10, 10], 3, [0, 1], false],
  ['as many records as fit', [10, 10, 10, 10], 3, [0, 1, 2], true],
  ['fewer when told so', [10, 10, 10], 2, [0, 1], true],
  ['as many bytes as fit', [60, 30, 20], 3, [0, 1], true],
  ['one record that is larger than a batch', [500, 10], 3, [0], true],
  ['one record at least', [10, 10], 0, [0], false],
])('a batch has %s', (_, sizes, max, wanted, isFull) => {
  const buffer = filled(sizes)
  expect(offsets(buffer.head(max))).toEqual(wanted)
  expect(buffer.isFull).toBe(isFull)
})

test('what is stored is forgotten, the rest stays in order', () => {
  const buffer = filled([60, 30, 20])
  buffer.dropBelow(2n)
  expect(offsets(buffer.head(3))).toEqual([2])
  expect(buffer.isFull).toBe(false)
  buffer.dropBelow(10n)
  expect(buffer.length).toBe(0)
})

test('only the first row of an id counts', () => {
  const rows = [row(0, 1, 'a'), row(1, 1, 'b'), row(2, 1, 'a')]
  expect(offsets(withoutDoubles(rows))).toEqual([0, 1])
})
