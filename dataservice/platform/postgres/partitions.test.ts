import { expect, test } from 'vitest'
import { intervalEnd, intervalStart, partitionAnswer, premakeSql } from './partitions.ts'

const moment = Date.UTC(2028, 1, 29, 23, 59, 59, 999)

test.each([
  ['Hour', Date.UTC(2028, 1, 29, 23)],
  ['Day', Date.UTC(2028, 1, 29)],
  ['Month', Date.UTC(2028, 1, 1)],
] as const)('an interval of one %s starts at its first millisecond, UTC', (interval, start) => {
  expect(intervalStart(interval, moment)).toBe(start)
  expect(intervalStart(interval, start)).toBe(start)
  expect(intervalEnd(interval, start)).toBe(moment + 1)
})

test.each([0, 1, 2, 11])('month %i ends where the next one starts', month => {
  expect(intervalEnd('Month', Date.UTC(2027, month))).toBe(Date.UTC(2027, month + 1))
})

test('partitions are made from now to the last one ahead', () => {
  expect(
    premakeSql({ by: 'Time', interval: 'Month', premake: 2 }),
  ).toBe(`SELECT ensure_partition(lowest_id(start))
FROM generate_series(date_trunc('month', now()), date_trunc('month', now()) + 2 * interval '1 month',
  interval '1 month') AS start`)
})

test('an answer that nobody knows is an error', () => {
  expect(partitionAnswer('expired')).toBe('expired')
  expect(() => partitionAnswer('perhaps')).toThrow('ensure_partition answered perhaps')
  expect(() => partitionAnswer(undefined)).toThrow('ensure_partition answered nothing')
})
