import { expect, test } from 'vitest'
import { hashPartitionOf } from '#dataservice/platform/postgres/hash-partition.ts'
import type { Partitioning } from '#dataservice/platform/postgres/partitions.ts'
import { logRecord, uuid7At } from '#e2e/engines/records.ts'
import { decode, isReadable } from './decode.ts'
import { laneLimits, storingOrder } from './hash-batches.ts'
import { recordsTables } from './table.ts'

const byTime: Partitioning = { by: 'Time', interval: 'Day', premake: 3 }
const byHash = (partitions: number): Partitioning => ({ by: 'Hash', partitions })
const changing: Partitioning = { by: 'Hash', partitions: 400, history: byTime }

test('a batch has some rows for each partition that it touches, within bounds', () => {
  const most = (partitioning: Partitioning) => laneLimits(partitioning).maxRecords
  expect([byTime, changing].map(most)).toEqual([2_000, 2_000])
  expect([16, 64, 256, 1_000].map(byHash).map(most)).toEqual([2_000, 2_560, 10_240, 16_000])
})

test('rows go in partition by partition, those of one id in the order of the log', () => {
  const ids = ['c', 'a', 'b', 'a', 'd', 'c', 'e', 'a']
  const rows = ids
    .map((id, offset) =>
      decode(logRecord(BigInt(offset), { id, eventId: uuid7At(1), body: '{}' }), recordsTables.Hash),
    )
    .filter(isReadable)
  const ordered = storingOrder(byHash(3))(rows)
  const offsetsOf = (id: string) => ordered.filter(row => row.id === id).map(({ offset }) => Number(offset))
  expect(offsetsOf('a')).toEqual([1, 3, 7])
  expect(offsetsOf('c')).toEqual([0, 5])
  const partitions = ordered.map(({ id }) => hashPartitionOf(Buffer.from(id), 3))
  expect(partitions).toEqual(partitions.toSorted())
  expect(new Set(partitions).size).toBeGreaterThan(1)
  expect(storingOrder(byTime)(rows)).toBe(rows)
  expect(storingOrder(changing)(rows)).toBe(rows)
})
