import { expect, test } from 'vitest'
import { absence, entityOf, isYounger, pack, unpack } from './entity.ts'
import { LocalCache } from './local-cache.ts'

test('an answer comes out of a cache as it went in', () => {
  const entity = entityOf('{"a":"\u00f6ö"}', 1_700_000_000_123)
  expect(unpack(pack(entity), Date.now())).toEqual(entity)
  expect(entity.tag).toMatch(/^[\w-]{22}$/)
  expect(unpack(pack(absence(7)), 8)).toEqual(absence(7))
})

test('nothing is younger than it can be, whatever the clock of the reader that wrote it', () => {
  expect(unpack(pack(entityOf('x', 9_000)), 5_000)?.born).toBe(5_000)
  expect(unpack(pack(absence(9_000)), 5_000)?.born).toBe(5_000)
})

test('what was born later than now, because the clock was set back, is not young', () => {
  const ages = [9_999, 10_000, 10_999, 11_000].map(now => isYounger(absence(10_000), 1_000, now))
  expect(ages).toEqual([false, true, true, false])
})

test('what was cut off is no answer', () => {
  const packed = pack(entityOf('x', 1))
  for (const length of [0, 7, 9, packed.length - 1])
    expect(unpack(packed.subarray(0, length), 2)).toBeUndefined()
})

test('the memory is bounded in bytes: what was not asked for goes first', () => {
  const cache = new LocalCache(10_000)
  const large = entityOf('x'.repeat(3_000), 1)
  for (const key of ['a', 'b', 'c']) cache.set(key, large)
  cache.get('a')
  cache.set('d', large)
  expect(['a', 'b', 'c', 'd'].filter(key => cache.get(key))).toEqual(['a', 'c', 'd'])
  expect(cache.bytes).toBeLessThanOrEqual(10_000)
})

test('without memory nothing is kept', () => {
  const cache = new LocalCache(0)
  cache.set('a', entityOf('x', 1))
  expect([cache.get('a'), cache.bytes]).toEqual([undefined, 0])
})
