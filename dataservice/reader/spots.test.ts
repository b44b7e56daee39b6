import { expect, test } from 'vitest'
import { hashPartitionOf } from '#dataservice/platform/postgres/hash-partition.ts'
import { highestUuid7, lowestUuid7 } from '#dataservice/record/uuid7.ts'
import { spotOf } from './spots.ts'

const moment = Date.UTC(2028, 1, 29, 12, 30)

test.each([
  ['Hour', Date.UTC(2028, 1, 29, 12), Date.UTC(2028, 1, 29, 13)],
  ['Day', Date.UTC(2028, 1, 29), Date.UTC(2028, 2, 1)],
  ['Month', Date.UTC(2028, 1, 1), Date.UTC(2028, 2, 1)],
] as const)('by time an id lies in its %s, which has every id of that time', (interval, start, end) => {
  const of = spotOf({ by: 'Time', interval, premake: 1 })
  const spot = of(lowestUuid7(moment))
  expect(spot).toEqual({
    name: String(start),
    table: 'records',
    condition: `id BETWEEN '${lowestUuid7(start)}' AND '${highestUuid7(end - 1)}'`,
    isWhole: true,
  })
  for (const id of [lowestUuid7(start), highestUuid7(end - 1)]) expect(of(id)).toEqual(spot)
  for (const id of [highestUuid7(start - 1), lowestUuid7(end)]) expect(of(id).name).not.toBe(spot.name)
})

test('by hash an id lies in the partition that Postgres puts it into', () => {
  const part = String(hashPartitionOf(Buffer.from('köln'), 100)).padStart(2, '0')
  expect(spotOf({ by: 'Hash', partitions: 100 })('köln')).toEqual({
    name: `records_h${part}`,
    table: `records_h${part}`,
    condition: `pg_partition_root('records_h${part}'::regclass) = 'records'::regclass`,
    isWhole: false,
  })
})
