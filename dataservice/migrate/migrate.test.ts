import { describe, expect, test } from 'vitest'
import { testRecord, testSettings } from '#e2e/engines/service-settings.ts'
import { ensurePartitionSql } from './ensure-partition.ts'
import { differences, factsOf } from './facts.ts'
import { steps, stepsAfter } from './tables.ts'

const endpoint = { host: 'db', port: 5432 }
const settings = testSettings({
  primary: endpoint,
  replica: endpoint,
  database: 'dataservice',
  schema: 'dataservice',
  users: { owner: 'o', writer: 'w', reader: 'r' },
  poolSize: { writer: 1, reader: 1 },
})

describe('the steps', () => {
  test('are numbered without a gap', () => {
    expect(steps.map(({ version }) => version)).toEqual(steps.map((_, index) => index + 1))
  })

  test('that a database lacks are those after its version', () => {
    expect(stepsAfter(0)).toEqual(steps)
    expect(stepsAfter(steps.length)).toEqual([])
  })

  test('of a newer program are not undone', () => {
    expect(() => stepsAfter(steps.length + 1)).toThrow('use a newer image')
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

test('without a retention nothing expires but what is before 2020', () => {
  const sql = ensurePartitionSql('dataservice', { by: 'Time', interval: 'Day', premake: 3 })
  expect(sql).toContain(`IF upper_time <= timestamptz '2020-01-01' THEN`)
  expect(sql).toContain('SET search_path = dataservice, pg_temp')
})

test('with a retention whole intervals beyond it expire', () => {
  const sql = ensurePartitionSql('s', { by: 'Time', interval: 'Hour', premake: 24, retainMs: 3_600_000 })
  expect(sql).toContain(`IF upper_time <= now() - 3600000 * interval '1 millisecond' THEN`)
  expect(sql).toContain(`date_trunc('hour', now()) + 24 * interval '1 hour'`)
})
