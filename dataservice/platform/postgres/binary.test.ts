import { expect, test } from 'vitest'
import { arrayBytes, copyRow, timestampBytes, uuidBytes } from './binary.ts'

test('a timestamp counts microseconds from 2000', () => {
  expect(timestampBytes(Date.UTC(2000, 0, 1, 0, 0, 0, 1)).readBigInt64BE()).toBe(1_000n)
  expect(timestampBytes(Date.UTC(1999, 11, 31, 23, 59, 59, 999)).readBigInt64BE()).toBe(-1_000n)
})

test('a UUID is its sixteen bytes, and nothing else is one', () => {
  const text = '0199d1f0-7c00-7abc-8def-0123456789ab'
  expect(uuidBytes(text).toString('hex')).toBe(text.replaceAll('-', ''))
  for (const wrong of ['', text.slice(1), `${text}0`, text.replace('-', ''), text.replace('a', 'g')]) {
    expect(() => uuidBytes(wrong)).toThrow('not a UUID')
  }
})

test('a row of COPY is a count and fields with their lengths', () => {
  const row = copyRow([Buffer.from('ab'), Buffer.alloc(0)])
  expect(row).toEqual(Buffer.from([0, 2, 0, 0, 0, 2, 0x61, 0x62, 0, 0, 0, 0]))
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
