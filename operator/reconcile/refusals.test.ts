/** Workloads that may make no pods: what is asked of the API server while they wait, and how often. */
import { expect, test } from 'vitest'
import type { DataService } from '#crds/v1alpha1/resource.ts'
import type { Scope } from '#operator/cluster/port.ts'
import type { ObservedChild } from '#operator/desired/target.ts'
import { dataService } from '#operator/testing/data-service.ts'
import { rehearse, startedOn, untilSettled } from '#operator/testing/rehearsal.ts'
import { through } from '#operator/testing/through.ts'

/** One pod of Redis is gone, and its namespace makes no other. */
async function lacking() {
  const rehearsal = await rehearse(dataService())
  await untilSettled(rehearsal)
  const { cluster, key } = rehearsal
  const { namespace } = key
  const ref = { kind: 'StatefulSet', namespace, name: 'orders-redis' } as const
  const set = await cluster.get<ObservedChild>(ref)
  if (set === undefined) throw new Error('the StatefulSet is gone')
  const none = { ...set.status, replicas: 0, readyReplicas: 0, updatedReplicas: 0 }
  await cluster.as('controllers').patchStatus({ ...set, status: none })
  const asked: (Scope | undefined)[] = []
  const port = through(cluster, {
    list: (kind, scope) => {
      asked.push(scope)
      return cluster.list(kind, scope)
    },
  })
  const refuse = (name: string, reason: string, note: string) =>
    cluster.as('controllers').create({
      ...{ apiVersion: 'events.k8s.io/v1', kind: 'Event', metadata: { namespace, name } },
      ...{ regarding: { uid: set.metadata.uid }, reason, note },
    })
  const ready = async () =>
    (await cluster.get<DataService>({ kind: 'DataService', ...key }))?.status?.conditions?.find(
      ({ type }) => type === 'CacheReady',
    )
  return { run: startedOn(rehearsal, port), asked, refuse, ready, namespace }
}

const quota =
  'create Pod orders-redis-0 failed error: pods "orders-redis-0" is forbidden: exceeded quota: small'

test('only events that can tell why are asked for', async () => {
  const { run, asked, namespace } = await lacking()
  await run()
  expect(asked).toEqual([
    { namespace, fields: { reason: 'FailedCreate' } },
    { namespace, fields: { reason: 'SuccessfulCreate' } },
  ])
})

test('they are asked for often until it is known, and seldom from then on', async () => {
  const { run, refuse, ready } = await lacking()
  await refuse('other', 'Unhealthy', 'nothing of it')
  expect(await run()).toEqual({ kind: 'waiting', reason: 'PodsNotReady', recheckMs: 5_000 })
  await refuse('refused', 'FailedCreate', quota)
  expect(await run()).toEqual({ kind: 'waiting', reason: 'PodsNotReady', recheckMs: 45_000 })
  expect(await ready()).toMatchObject({ status: 'False', reason: 'QuotaExceeded' })
})
