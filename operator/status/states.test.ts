/** Every state in which a part waits or fails tells why, and what to do about it. */
import { expect, test } from 'vitest'
import type { ConditionType } from '#crds/v1alpha1/conditions.ts'
import type { Failure } from '#operator/reconcile/carry-out.ts'
import { decide } from '#operator/reconcile/decide.ts'
import type { ObservedEvent } from '#operator/reconcile/refusals.ts'
import { dataService, withSpec } from '#operator/testing/data-service.ts'
import { ended, type PodStory, pod, waiting } from '#operator/testing/pods.ts'
import { factsOf, only, upAndRunning, type World } from '#operator/testing/world.ts'
import { deriveStatus } from './derive.ts'

const without = (kind: string, name: string, status: Record<string, unknown> = {}) =>
  upAndRunning(
    dataService(),
    only(kind, name, child => ({ ...child, status: { ...child.status, readyReplicas: 0, ...status } })),
  )
const kafkaPod = (story: Partial<PodStory>): World => ({
  ...without('StatefulSet', 'orders-kafka'),
  pods: [pod({ owner: 'kafka', name: 'orders-kafka-0', ...story })],
})
const refused = (note: string): World => {
  const event: ObservedEvent = {
    apiVersion: 'events.k8s.io/v1',
    kind: 'Event',
    metadata: { name: 'refused', namespace: 'shop', creationTimestamp: '2026-01-01T00:00:00Z' },
    regarding: { uid: 'uid-of-orders-kafka' },
    reason: 'FailedCreate',
    note: `create Pod orders-kafka-0 in StatefulSet orders-kafka failed error: pods "orders-kafka-0" ${note}`,
  }
  return { ...without('StatefulSet', 'orders-kafka', { replicas: 0 }), events: [event] }
}
const migrating = (status: Record<string, unknown>) =>
  upAndRunning(dataService(), child => (child.kind === 'Job' ? { ...child, status } : child))
const failingMigration = pod({
  owner: 'migrate',
  name: 'orders-migrate-1',
  container: { state: { running: {} }, restartCount: 2, lastState: ended(1, 'Error') },
})
const withoutFigures = upAndRunning(
  dataService(),
  only('HorizontalPodAutoscaler', 'orders-gateway', child => ({
    ...child,
    status: { conditions: [{ type: 'ScalingActive', status: 'False', reason: 'FailedGetResourceMetric' }] },
  })),
)
const secondAway: World = {
  ...upAndRunning(
    dataService(withSpec({ redis: { managed: { instances: 2 } } })),
    only('StatefulSet', 'orders-redis', child => ({
      ...child,
      status: { ...child.status, readyReplicas: 1 },
    })),
  ),
  pods: [
    {
      ...pod({ owner: 'redis', name: 'orders-redis-0' }),
      status: { phase: 'Running', conditions: [{ type: 'Ready', status: 'True' }] },
    },
    pod({ owner: 'redis', name: 'orders-redis-1' }),
  ],
}
const up = () => upAndRunning(dataService())
const taken: Failure = { cause: 'notOwned', message: 'Service shop/x belongs to somebody else: rename it' }
const invalid: Failure = { cause: 'invalid', message: 'StatefulSet x: spec.replicas: no' }

const rows: [what: string, World, ConditionType, reason: string, remedy: RegExp, Failure?][] = [
  [
    'image missing',
    kafkaPod({ container: waiting('ErrImagePull') }),
    'LogReady',
    'ImageMissing',
    /Push it, or correct RELATED_IMAGE_KAFKA/,
  ],
  ['no node', kafkaPod({ notScheduled: '0/3 nodes.' }), 'LogReady', 'Unschedulable', /Add or free nodes/],
  [
    'volume pending',
    kafkaPod({ notScheduled: 'pod has unbound immediate PersistentVolumeClaims.' }),
    'LogReady',
    'VolumePending',
    /kubectl -n shop describe pvc data-orders-kafka-0/,
  ],
  [
    'quota',
    refused('is forbidden: exceeded quota: small'),
    'LogReady',
    'QuotaExceeded',
    /Raise the ResourceQuota/,
  ],
  [
    'Pod Security',
    refused('is forbidden: violates PodSecurity "restricted:latest": hostPort'),
    'LogReady',
    'PodSecurityDenied',
    /remove what changes them on the way/,
  ],
  [
    'Kafka not ready',
    without('StatefulSet', 'orders-kafka'),
    'LogReady',
    'PodsNotReady',
    /kubectl -n shop describe pod orders-kafka-0/,
  ],
  [
    'Kafka does not answer',
    { ...up(), topics: { kind: 'unreachable', message: 'Kafka at x:9092: no answer' } },
    'TopicsReady',
    'EngineUnreachable',
    /no answer\. It is asked again; kubectl -n shop logs orders-kafka-0/,
  ],
  [
    'Postgres does not answer',
    without('StatefulSet', 'orders-postgres'),
    'DatabaseReady',
    'PodsNotReady',
    /kubectl -n shop describe pod orders-postgres-0/,
  ],
  [
    'Redis does not answer',
    without('StatefulSet', 'orders-redis'),
    'CacheReady',
    'PodsNotReady',
    /kubectl -n shop describe pod orders-redis-0/,
  ],
  [
    'one of two caches is away',
    secondAway,
    'CacheReady',
    'PodsNotReady',
    /1 of 2 pods ready; kubectl -n shop describe pod orders-redis-1/,
  ],
  [
    'a pod of an older version waits for its turn',
    without('StatefulSet', 'orders-redis', { readyReplicas: 1, updatedReplicas: 0 }),
    'CacheReady',
    'RollingOut',
    /1 of 1 pods ready, 0 of the newest version$/,
  ],
  [
    'the migration fails',
    { ...migrating({ active: 1 }), pods: [failingMigration] },
    'DatabaseReady',
    'MigrationFailed',
    /kubectl -n shop logs orders-migrate-1/,
  ],
  [
    'the migration works',
    migrating({ active: 1 }),
    'DatabaseReady',
    'Migrating',
    /kubectl -n shop logs job\/orders-migrate-\w+ shows it/,
  ],
  [
    'the migration gave up',
    migrating({
      failed: 3,
      conditions: [{ type: 'Failed', status: 'True', message: 'BackoffLimitExceeded' }],
    }),
    'DatabaseReady',
    'MigrationFailed',
    /is made again: BackoffLimitExceeded/,
  ],
  ['metrics-server missing', withoutFigures, 'Scaling', 'MetricsMissing', /install metrics-server/],
  ['a name is taken', up(), 'Stalled', 'NotOwned', /rename it/, taken],
  ['an object is refused', up(), 'Stalled', 'InvalidObject', /spec\.replicas/, invalid],
]

test.each(rows)('%s', (_, world, type, reason, remedy, failure) => {
  const facts = factsOf(world)
  const result = { failures: failure === undefined ? [] : [failure], written: 0 }
  const status = deriveStatus({
    facts,
    plan: decide(facts),
    result,
    now: new Date(0),
    progress: { kind: 'reached' },
  })
  const found = status.conditions?.find(condition => condition.type === type)
  expect(found?.reason).toBe(reason)
  expect(found?.message).toMatch(remedy)
})
