import { describe, expect, test } from 'vitest'
import type { ObservedChild } from '#operator/desired/target.ts'
import { lackingPods, type ObservedEvent, refusalsOf } from '#operator/reconcile/refusals.ts'
import { refusedPods } from './refused-pods.ts'

const workload = (kind: string, more: Partial<ObservedChild>): ObservedChild => ({
  apiVersion: 'apps/v1',
  kind,
  metadata: { name: 'orders-kafka', namespace: 'shop', labels: {}, uid: 'uid-1', generation: 1 },
  ...more,
})
const set = workload('StatefulSet', { spec: { replicas: 1 }, status: { replicas: 0, observedGeneration: 1 } })
const quota =
  'pods "orders-kafka-0" is forbidden: exceeded quota: small, requested: requests.cpu=500m, used: requests.cpu=1, limited: requests.cpu=1'

const event = (reason: string, note: string, time: string, uid = 'uid-1'): ObservedEvent => ({
  apiVersion: 'events.k8s.io/v1',
  kind: 'Event',
  metadata: { name: `${reason}-${time}`, namespace: 'shop' },
  regarding: { uid },
  reason,
  note,
  deprecatedLastTimestamp: time,
})
const at = (second: number) => `2026-01-01T00:00:0${second}Z`
const refusedSet = event(
  'FailedCreate',
  `create Pod orders-kafka-0 in StatefulSet orders-kafka failed error: ${quota}`,
  at(1),
)

describe('which workloads lack pods', () => {
  const job = (status: Record<string, unknown>) => workload('Job', { status })
  const rows: [string, ObservedChild, boolean][] = [
    ['a StatefulSet with too few', set, true],
    ['a StatefulSet that nobody has seen yet', { ...set, status: {} }, false],
    ['a StatefulSet with all', { ...set, status: { replicas: 1, observedGeneration: 1 } }, false],
    ['a Job that was begun', job({ startTime: at(0) }), true],
    ['a Job with a pod', job({ startTime: at(0), active: 1 }), false],
    ['a Job that nobody has seen yet', job({}), false],
    [
      'a Job that ended',
      job({ startTime: at(0), conditions: [{ type: 'Complete', status: 'True' }] }),
      false,
    ],
    [
      'a Deployment, which tells by itself',
      workload('Deployment', { spec: { replicas: 3 }, status: {} }),
      false,
    ],
  ]
  test.each(rows)('%s', (_title, child, lacks) => {
    expect(lackingPods([child])).toHaveLength(lacks ? 1 : 0)
  })
})

describe('why pods are refused', () => {
  test('a quota: what is used moves and is not told', () => {
    const problem = refusedPods(refusalsOf([set], [refusedSet]), set, 'kafka')
    expect(problem).toEqual({
      reason: 'QuotaExceeded',
      message:
        'StatefulSet orders-kafka may not make its pods: pods are forbidden: exceeded quota: small, requested: requests.cpu=500m, ' +
        'limited: requests.cpu=1. Raise the ResourceQuota of namespace shop, or lower spec.kafka.managed.resources',
    })
  })

  test('a quota that is too small for what is built in', () => {
    const problem = refusedPods(refusalsOf([set], [refusedSet]), set, 'migrate')
    expect(problem?.message).toMatch(
      /\. Raise the ResourceQuota of namespace shop: what these pods ask for is built in$/,
    )
  })

  test('a pod that was made later ends it', () => {
    const events = [refusedSet, event('SuccessfulCreate', 'create Pod', at(2))]
    expect(refusalsOf([set], events).size).toBe(0)
    expect(refusalsOf([set], [...events, { ...refusedSet, deprecatedLastTimestamp: at(3) }]).size).toBe(1)
  })

  test('events of others say nothing of ours', () => {
    expect(refusalsOf([set], [event('FailedCreate', quota, at(1), 'uid-2')]).size).toBe(0)
  })

  const said: [message: string, reason: string, remedy: string][] = [
    [
      'pods "orders-gateway-1-x" is forbidden: violates PodSecurity "restricted:latest": hostPort',
      'PodSecurityDenied',
      'pod-security.kubernetes.io/enforce of namespace shop',
    ],
    ['pods "x" is forbidden: maximum cpu usage per Container is 1m', 'PodsRefused', 'LimitRange'],
    [quota, 'QuotaExceeded', 'spec.gateway.resources'],
    [
      'pods "x" is forbidden: error looking up service account shop/orders-kafka: serviceaccount "orders-kafka" not found',
      'PodsNotReady',
      'tries again by itself',
    ],
    [
      'persistentvolumeclaims "data-orders-kafka-0" is forbidden: object is being deleted',
      'PodsNotReady',
      'by itself',
    ],
  ]
  test.each(said)('a Deployment tells in its status: %s', (message, reason, remedy) => {
    const condition = { type: 'ReplicaFailure', status: 'True', reason: 'FailedCreate', message }
    const deployment = workload('Deployment', { status: { conditions: [condition] } })
    const problem = refusedPods(refusalsOf([deployment], []), deployment, 'gateway')
    expect(problem?.reason).toBe(reason)
    expect(problem?.message).toContain(remedy)
    expect(problem?.message).not.toContain('"x"')
  })
})
