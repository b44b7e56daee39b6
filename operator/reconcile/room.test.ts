import { expect, test } from 'vitest'
import type { DataService } from '#crds/v1alpha1/resource.ts'
import { dataService } from '#operator/testing/data-service.ts'
import { rehearse, startedOn, untilSettled } from '#operator/testing/rehearsal.ts'

test('a lag that comes near the retention is a condition and a warning, and is written once; Ready stays', async () => {
  const rehearsal = await rehearse(dataService())
  const { cluster, topics, key } = rehearsal
  await untilSettled(rehearsal)
  const told = async (type: string) => {
    const found = await cluster.get<DataService>({ kind: 'DataService', ...key })
    const condition = found?.status?.conditions?.find(each => each.type === type)
    return `${condition?.status}/${condition?.reason}`
  }
  expect(await told('LogHasRoom')).toBe('True/WithinRetention')
  topics.roomy = { ...topics.roomy, lagTenths: 6 }
  const run = startedOn(rehearsal)
  await run()
  expect([await told('LogHasRoom'), await told('Ready')]).toEqual(['False/LagNearRetention', 'True/Ready'])
  const events = await cluster.list<{ apiVersion: string; kind: string; metadata: { name: string } }>('Event')
  expect(JSON.stringify(events)).toContain('LagNearRetention')
  const { length } = cluster.writes
  expect(await run()).toEqual({ kind: 'settled', recheckMs: 45_000 })
  expect(cluster.writes).toHaveLength(length)
})
