/** To sleep and awake again, with an operator that dies after any of its writes: the next one, which remembers nothing, goes on. */
import { expect, test } from 'vitest'
import type { DataService } from '#crds/v1alpha1/resource.ts'
import type { ObservedChild } from '#operator/desired/target.ts'
import { dataService, withSpec } from '#operator/testing/data-service.ts'
import { dying } from '#operator/testing/dying.ts'
import { finalState, type Rehearsal, rehearse, startedOn, untilSettled } from '#operator/testing/rehearsal.ts'

const manyRunsMs = 120_000

async function wish({ cluster, key }: Rehearsal, lifecycle: 'Running' | 'Hibernated'): Promise<void> {
  const { apiVersion, kind, spec } = dataService(withSpec({ lifecycle }))
  await cluster.as('user').apply({ apiVersion, kind, metadata: key, spec })
}

/** Pods asked for, by the name of the workload. */
async function numbers({ cluster }: Rehearsal): Promise<Record<string, unknown>> {
  const workloads = [
    ...(await cluster.list<ObservedChild>('Deployment')),
    ...(await cluster.list<ObservedChild>('StatefulSet')),
  ]
  return Object.fromEntries(workloads.map(({ metadata, spec }) => [metadata.name, spec?.['replicas']]))
}

async function running(): Promise<Rehearsal> {
  const rehearsal = await rehearse(dataService())
  await untilSettled(rehearsal)
  for (const [name, from, pods] of [
    ['orders-writer', 2, 5],
    ['orders-reader', 3, 7],
  ] as const)
    await rehearsal.cluster.as('user').scale({ kind: 'Deployment', namespace: 'shop', name }, pods, from)
  await untilSettled(rehearsal)
  return rehearsal
}

const before = await numbers(await running())
const nothing = Object.fromEntries(Object.keys(before).map(name => [name, 0]))

test('every pod goes, and every number comes back as it was', async () => {
  const rehearsal = await running()
  expect(before).toMatchObject({
    'orders-gateway': 3,
    'orders-writer': 5,
    'orders-reader': 7,
    'orders-kafka': 1,
  })
  const awake = await finalState(rehearsal)
  await wish(rehearsal, 'Hibernated')
  await untilSettled(rehearsal)
  expect(await numbers(rehearsal)).toEqual(nothing)
  const sleeper = await rehearsal.cluster.get<DataService>({ kind: 'DataService', ...rehearsal.key })
  expect(sleeper?.status?.conditions?.find(({ type }) => type === 'Ready')).toMatchObject({
    reason: 'Hibernated',
  })
  const writes = rehearsal.cluster.writes.length
  await startedOn(rehearsal)()
  expect(rehearsal.cluster.writes.length).toBe(writes)
  await wish(rehearsal, 'Running')
  await untilSettled(rehearsal)
  expect(await numbers(rehearsal)).toEqual(before)
  expect(withoutSpec(await finalState(rehearsal))).toEqual(withoutSpec(awake))
})

test.each([
  ['Hibernated', nothing],
  ['Running', before],
] as const)(
  'killed after any write on the way to %s',
  async (lifecycle, end) => {
    let kills = 0
    for (let k = 1; ; k++) {
      const rehearsal = await running()
      if (lifecycle === 'Running') {
        await wish(rehearsal, 'Hibernated')
        await untilSettled(rehearsal)
      }
      await wish(rehearsal, lifecycle)
      const killed = await untilSettled(rehearsal, dying(rehearsal.cluster, k)).then(
        () => false,
        () => true,
      )
      await untilSettled(rehearsal)
      expect(await numbers(rehearsal), `write ${k}`).toEqual(end)
      if (!killed) break
      kills += 1
    }
    expect(kills).toBeGreaterThan(8)
  },
  manyRunsMs,
)

/** The conditions speak of another generation, and the spec says Running in words. */
function withoutSpec(state: object): string {
  return JSON.stringify(state, (key, value) =>
    ['spec', 'observedGeneration', 'lifecycle'].includes(key) ? undefined : value,
  )
}
