import { expect, test } from 'vitest'
import { arrayBytes, copyInput, timestampBytes } from './binary.ts'

test('a timestamp counts microseconds from 2000', () => {
  expect(timestampBytes(Date.UTC(2000, 0, 1, 0, 0, 0, 1)).readBigInt64BE()).toBe(1_000n)
  expect(timestampBytes(Date.UTC(1999, 11, 31, 23, 59, 59, 999)).readBigInt64BE()).toBe(-1_000n)
  const now = Date.UTC(2026, 10, 21, 12, 0, 0, 123)
  expect(timestampBytes(now).readBigInt64BE()).toBe((BigInt(now) - 946_684_800_000n) * 1000n)
})

test('a row of COPY is a count and fields with their lengths, between header and trailer', () => {
  const input = copyInput([[Buffer.from('ab'), Buffer.alloc(0)], [Buffer.from('c')]])
  const rows = [0, 2, 0, 0, 0, 2, 0x61, 0x62, 0, 0, 0, 0, 0, 1, 0, 0, 0, 1, 0x63]
  expect(input.subarray(0, 11).toString('latin1')).toBe('PGCOPY\n\xff\r\n\0')
  expect([...input.subarray(11)]).toEqual([0, 0, 0, 0, 0, 0, 0, 0, ...rows, 0xff, 0xff])
})

test('an array names its type, its length and its elements', () => {
  const [type, count, first] = [
    [0, 0, 0, 25],
    [0, 0, 0, 2],
    [0, 0, 0, 1],
  ] as const
  const header = [0, 0, 0, 1, 0, 0, 0, 0, ...type, ...count, ...first]
  const elements = [0, 0, 0, 1, 0x61, 0, 0, 0, 0]
  expect(arrayBytes('text', [Buffer.from('a'), Buffer.alloc(0)])).toEqual(
    Buffer.from([...header, ...elements]),
  )
})

test('an empty array has no dimension', () => {
  expect(arrayBytes('json', [])).toEqual(Buffer.from([0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 114]))
})
