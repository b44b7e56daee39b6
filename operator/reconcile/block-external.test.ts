import { describe, expect, test } from 'vitest'
import type { ClassChoice } from '#operator/desired/class-choice.ts'
import { ofClass } from '#operator/testing/class.ts'
import { dataService, withSpec } from '#operator/testing/data-service.ts'
import { following, oneRun } from '#operator/testing/one-run.ts'
import { upAndRunning } from '#operator/testing/world.ts'

describe('a Postgres of others', () => {
  const external = {
    host: 'db.test',
    port: 5432,
    database: 'd',
    secretRef: { name: 'db' },
    maxConnections: 100,
  }
  const elsewhere = (scopePrefix?: string): ClassChoice =>
    ofClass({ postgres: { external }, ...(scopePrefix !== undefined && { scopePrefix }) })

  test('is waited for by nobody: the migration finds whether it answers', () => {
    const calm = upAndRunning(dataService(), undefined, elsewhere())
    const found = oneRun(calm)
    expect(found.condition('DatabaseReady')).toBe('True/External')
    expect(found.condition('Ready')).toBe('True/Ready')
    expect(found.status.providers).toEqual({ kafka: 'managed', postgres: 'external', redis: 'managed' })
    expect(found.steps).toEqual([])
  })

  test('does not become one of ours, nor the other way round', () => {
    const found = oneRun(following(elsewhere(), ofClass({})))
    expect(found.condition('Stalled')).toBe('True/ProviderChanged')
    expect(found.stalled).toContain('postgres is external since this DataService was made')
    expect(oneRun(following(ofClass({}), elsewhere())).condition('Stalled')).toBe('True/ProviderChanged')
  })

  test('keeps its schema: another prefix would look for the records elsewhere', () => {
    const found = oneRun(following(elsewhere('eu1'), elsewhere('eu2')))
    expect(found.condition('Stalled')).toBe('True/CannotChange')
    expect(found.stalled).toMatch(
      /records are in schema ds_[0-9a-f]{10} and would be looked for in ds_.*scopePrefix/,
    )
    expect(found.steps).toEqual([])
  })

  test('has no backups by us', () => {
    const owner = dataService(withSpec({ backup: { schedule: '0 3 * * *' } }))
    const found = oneRun({ owner, choice: elsewhere() })
    expect(found.condition('Stalled')).toBe('True/BackupElsewhere')
    expect(found.steps).toEqual([])
  })
})

test('consumers of brokers whose authority others keep are refused: their Secrets could not hold it', () => {
  const owner = dataService(withSpec({ security: { tls: 'CertManager' }, consumers: [{ name: 'billing' }] }))
  const found = oneRun({ owner })
  expect(found.condition('Stalled')).toBe('True/ConsumersElsewhere')
  expect(found.steps).toEqual([])
})

test('and so is KEDA, which comes as one of them', () => {
  const autoscaling = { mode: 'Lag', by: 'KEDA' }
  const found = oneRun({
    owner: dataService(withSpec({ security: { tls: 'CertManager' }, writer: { autoscaling } })),
  })
  expect(found.condition('Stalled')).toBe('True/ConsumersElsewhere')
  expect(found.stalled).toContain('set writer.autoscaling.by Operator, or have security.tls Internal')
})

describe('a Kafka of others', () => {
  const external = { bootstrapServers: ['kafka.test:9093'], topics: 'Create' as const, replicationFactor: 3 }
  const elsewhere = (scopePrefix?: string): ClassChoice =>
    ofClass({ kafka: { external }, ...(scopePrefix !== undefined && { scopePrefix }) })

  test('is asked by nobody but pods: its topics are there when the migration has ended', () => {
    const calm = upAndRunning(dataService(), undefined, elsewhere('eu1'))
    const found = oneRun({ ...calm, topics: { kind: 'notAsked' } })
    const of = ['LogReady', 'TopicsReady', 'Durable', 'LogHasRoom'].map(found.condition)
    expect(of).toEqual(['True/External', 'True/External', 'Unknown/External', 'Unknown/External'])
    expect(found.condition('Ready')).toBe('True/Ready')
    expect(found.steps).toEqual([])
    expect(found.outcome).toEqual({ kind: 'settled' })
    const told = found.status.conditions?.find(({ type }) => type === 'TopicsReady')?.message
    expect(told).toContain('topics eu1.shop.orders.events, ')
  })

  test('keeps its topics: another prefix would look for the records elsewhere', () => {
    const found = oneRun(following(elsewhere('eu1'), elsewhere()))
    expect(found.condition('Stalled')).toBe('True/CannotChange')
    expect(found.stalled).toContain(
      'the records are in topic eu1.shop.orders.events and would be looked for in shop.orders.events',
    )
  })

  test('does not become one of ours', () => {
    expect(oneRun(following(elsewhere(), ofClass({}))).condition('Stalled')).toBe('True/ProviderChanged')
  })
})
