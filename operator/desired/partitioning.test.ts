import { expect, test } from 'vitest'
import { smallestSpec, withDefaults } from '#operator/testing/data-service.ts'
import { partitioningOf } from './partitioning.ts'

const spec = (id: object, partitioning: object) =>
  withDefaults({ record: { ...smallestSpec.record, ...id }, postgres: { partitioning } })

test.each([
  ['nothing said', {}, {}, { by: 'Time', interval: 'Day', premake: 7 }],
  [
    'time said in full',
    {},
    { by: 'Time', interval: 'Hour', premake: 2, retain: '2d' },
    { by: 'Time', interval: 'Hour', premake: 2, retainMs: 172_800_000 },
  ],
  ['a natural id alone', { id: '/customerId' }, {}, { by: 'Hash', partitions: 16 }],
  [
    'records that change, with an id or without',
    { mode: 'Upsert', key: undefined },
    { partitions: 8, interval: 'Month', retain: '90d' },
    {
      by: 'Hash',
      partitions: 8,
      history: { by: 'Time', interval: 'Month', premake: 7, retainMs: 7_776_000_000 },
    },
  ],
  ['a natural id and a number', { id: '/customerId' }, { partitions: 64 }, { by: 'Hash', partitions: 64 }],
])('%s', (_, id, partitioning, wanted) => {
  expect(partitioningOf(spec(id, partitioning))).toEqual(wanted)
})
