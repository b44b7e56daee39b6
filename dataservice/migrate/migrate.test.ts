import { describe, expect, test } from 'vitest'
import type { Settings } from '#dataservice/contract/settings.ts'
import { testRecord, testSettings } from '#e2e/engines/service-settings.ts'
import { ensurePartitionSql } from './ensure-partition.ts'
import { differences, factsOf } from './facts.ts'
import { stepsAfter, stepsFor } from './tables.ts'

const endpoint = { host: 'db', port: 5432 }
const settings = testSettings({
  primary: endpoint,
  replica: endpoint,
  database: 'dataservice',
  schema: 'dataservice',
  users: { owner: 'o', writer: 'w', reader: 'r' },
  poolSize: { writer: 1, reader: 1 },
})

describe.each([
  { by: 'Time', interval: 'Day', premake: 3 },
  { by: 'Hash', partitions: 4 },
  { by: 'Hash', partitions: 4, history: { by: 'Time', interval: 'Day', premake: 3 } },
] as const)('the steps by $by', partitioning => {
  const steps = stepsFor(partitioning)

  test('are numbered without a gap', () => {
    expect(steps.map(({ version }) => version)).toEqual(steps.map((_, index) => index + 1))
  })

  test('that a database lacks are those after its version', () => {
    expect(stepsAfter(0, steps)).toEqual(steps)
    expect(stepsAfter(steps.length, steps)).toEqual([])
  })

  test('of a newer program are not undone', () => {
    expect(() => stepsAfter(steps.length + 1, steps)).toThrow('use a newer image')
  })
})

describe('stored data', () => {
  const stored = factsOf(settings, 'a')

  test('fits the same declaration under another schema version', () => {
    expect(differences(stored, factsOf(settings, 'b'))).toEqual([])
  })

  test('fits any declaration when there is none yet', () => {
    expect(differences(new Map(), stored)).toEqual([])
  })

  test('differs when key or interval do', () => {
    const { key: _, ...record } = testRecord
    const partitioning = { by: 'Time', interval: 'Hour', premake: 1 } as const
    expect(differences(stored, factsOf({ ...settings, record, partitioning }, 'a'))).toEqual([
      'spec.record.key was /customer when the data was stored and is the id now',
      'spec.postgres.partitioning.interval was Day when the data was stored and is Hour now',
    ])
  })
})

test('data by time does not fit a service with natural ids', () => {
  const record = { ...testRecord, id: '/customer' }
  const natural = factsOf({ ...settings, record, partitioning: { by: 'Hash', partitions: 8 } }, 'a')
  expect(differences(factsOf(settings, 'a'), natural)).toEqual([
    'spec.record.id was made by the service when the data was stored and is /customer now',
    'spec.postgres.partitioning.by was Time when the data was stored and is Hash now',
  ])
})

test('data by hash does not fit another id or number of partitions', () => {
  const record = { ...testRecord, id: '/customer' }
  const facts = (id: string, partitions: number) =>
    factsOf({ ...settings, record: { ...record, id }, partitioning: { by: 'Hash', partitions } }, 'a')
  expect(differences(facts('/customer', 8), facts('/order', 16))).toEqual([
    'spec.record.id was /customer when the data was stored and is /order now',
    'spec.postgres.partitioning.partitions was 8 when the data was stored and is 16 now',
  ])
})

test('data of one mode does not fit the other', () => {
  const history = { by: 'Time', interval: 'Day', premake: 3 } as const
  const { key: _, ...record } = testRecord
  const facts = (partitioning: Settings['partitioning']) =>
    factsOf({ ...settings, record, partitioning }, 'a')
  const [stays, changes] = [
    facts({ by: 'Hash', partitions: 8 }),
    facts({ by: 'Hash', partitions: 8, history }),
  ]
  const sentence = (was: string, is: string) =>
    `spec.record.mode was ${was} when the data was stored and is ${is} now`
  expect(differences(stays, changes)).toEqual([sentence('Append', 'Upsert')])
  expect(differences(changes, stays)).toEqual([sentence('Upsert', 'Append')])
})

test('without a retention nothing expires but what is before 2020', () => {
  const sql = ensurePartitionSql('dataservice', { table: 'records', by: 'Time', interval: 'Day', premake: 3 })
  expect(sql).toContain(`IF upper_time <= timestamptz '2020-01-01' THEN`)
  expect(sql).toContain('SET search_path = dataservice, pg_temp')
})

test('with a retention whole intervals beyond it expire', () => {
  const sql = ensurePartitionSql('s', {
    table: 'events',
    by: 'Time',
    interval: 'Hour',
    premake: 24,
    retainMs: 3_600_000,
  })
  expect(sql).toContain(`IF upper_time <= now() - 3600000 * interval '1 millisecond' THEN`)
  expect(sql).toContain(`date_trunc('hour', now()) + 24 * interval '1 hour'`)
})
