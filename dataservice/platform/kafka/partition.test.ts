import { expect, test } from 'vitest'
import { murmur2, partitionOf } from './partition.ts'

/** Printed by `org.apache.kafka.common.utils.Utils` of kafka-clients 4.3.0: key, murmur2, toPositive(murmur2) % 12. */
const javaSays: [string, number, number][] = [
  ['', 275646681, 9],
  ['a', -1563381124, 4],
  ['ab', 316155434, 2],
  ['abc', 479470107, 3],
  ['abcd', -1323649548, 8],
  ['21', -973932308, 0],
  ['foobar', -790332482, 6],
  ['a-little-bit-long-string', -985981536, 8],
  ['a-little-bit-longer-string', -1486304829, 11],
  ['lkjh234lh9fiuh90y23oiuhsafujhadof229phr9h19h89h8', -58897971, 5],
  ['JFK', 531569365, 1],
  ['schlüssel-ÿ-😀', 2064616931, 11],
  ['0190b0f4-7c1e-7d3a-9f7b-0a1b2c3d4e5f', -608182505, 3],
]

test.each(javaSays)('the key %j goes where the Java client sends it', (key, hash, partition) => {
  const bytes = Buffer.from(key)
  expect(murmur2(bytes)).toBe(hash)
  expect(partitionOf(bytes, 12)).toBe(partition)
})

test('a key that is a window into a larger buffer hashes by its own bytes', () => {
  const bytes = Buffer.from('..foobar..').subarray(2, 8)
  expect(murmur2(bytes)).toBe(-790332482)
})
