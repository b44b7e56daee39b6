import { Value } from 'typebox/value'
import { describe, expect, test } from 'vitest'
import { type Condition, DataServiceStatus } from '#crds/v1alpha1/status.ts'
import { annotationKeys } from '#operator/desired/labels.ts'
import type { Failure } from '#operator/reconcile/carry-out.ts'
import { decide } from '#operator/reconcile/decide.ts'
import { dataService, withAnnotation, withSpec } from '#operator/testing/data-service.ts'
import { ended, pod, waiting } from '#operator/testing/pods.ts'
import { factsOf, only, upAndRunning, type World } from '#operator/testing/world.ts'
import { deriveStatus, sameStatus } from './derive.ts'

const now = new Date('2026-01-02T03:04:05.678Z')

function status(world: World, failures: readonly Failure[] = [], at = now) {
  const facts = factsOf(world)
  return deriveStatus({
    facts,
    plan: decide(facts),
    result: { failures, written: 0 },
    now: at,
    progress: { kind: 'reached' },
  })
}

/** `True/Ready` of one condition. */
function told(world: World, type: Condition['type'], failures: readonly Failure[] = []): string {
  const found = status(world, failures).conditions?.find(condition => condition.type === type)
  return found === undefined ? 'absent' : `${found.status}/${found.reason}`
}

const up = () => upAndRunning(dataService())
const refused = { ...up(), owner: dataService(withSpec({ record: { key: '/nowhere' } })) }
const paused = { ...up(), owner: dataService(withAnnotation(annotationKeys.paused, 'true')) }
const starting = { owner: dataService() }
const notOwned: Failure = {
  cause: 'notOwned',
  message: 'Service shop/orders-kafka exists and belongs to somebody else',
}
const halfReady = upAndRunning(
  dataService(),
  only('Deployment', 'orders-reader', child => ({ ...child, status: { ...child.status, readyReplicas: 1 } })),
)
const crowded = upAndRunning(
  dataService(),
  only('Deployment', 'orders-reader', child => ({ ...child, spec: { ...child.spec, replicas: 80 } })),
)
const gap: World = {
  ...upAndRunning(
    dataService(),
    only('Deployment', 'orders-writer', child => ({
      ...child,
      status: { ...child.status, readyReplicas: 1 },
    })),
  ),
  writerStops: [{ pod: 'orders-writer-a', partition: 2, reason: 'LogGap', detail: 'the log starts at 9' }],
}
const driftedService = upAndRunning(
  dataService(),
  only('Service', 'orders-gateway', () => undefined),
)
const driftedPods = upAndRunning(
  dataService(),
  only('Deployment', 'orders-gateway', child => ({ ...child, metadata: { ...child.metadata, labels: {} } })),
)
const zero = upAndRunning(dataService(withSpec({ replicas: 0 })))
const kafkaAway: World = { ...up(), topics: { kind: 'unreachable', message: 'Kafka at x:9092: no answer' } }

const withoutImage: World = {
  ...upAndRunning(
    dataService(),
    only('Deployment', 'orders-gateway', child => ({
      ...child,
      status: { ...child.status, readyReplicas: 2 },
    })),
  ),
  pods: [pod({ owner: 'gateway', name: 'orders-gateway-1', container: waiting('ErrImagePull') })],
}
const withoutNode: World = {
  ...upAndRunning(
    dataService(),
    only('StatefulSet', 'orders-kafka', child => ({
      ...child,
      status: { ...child.status, readyReplicas: 0 },
    })),
  ),
  pods: [pod({ owner: 'kafka', name: 'orders-kafka-0', notScheduled: 'no node' })],
}
const migrationFails: World = {
  ...upAndRunning(dataService(), child =>
    child.kind === 'Job' ? { ...child, status: { active: 1 } } : child,
  ),
  pods: [
    pod({
      owner: 'migrate',
      name: 'orders-migrate-1',
      container: { state: { running: {} }, restartCount: 2, lastState: ended(1, 'Error') },
    }),
  ],
}

describe('conditions', () => {
  const rows: [string, World, Condition['type'], string, Failure[]?][] = [
    ['all up', up(), 'Ready', 'True/Ready'],
    ['all up', up(), 'Reconciling', 'False/Settled'],
    ['all up', up(), 'Stalled', 'False/Healthy'],
    ['all up', up(), 'Paused', 'absent'],
    ['a Service is put back', driftedService, 'Ready', 'True/Ready'],
    ['pods are put back', driftedPods, 'Ready', 'False/Progressing'],
    ['one broker is said', up(), 'Durable', 'False/SingleBroker'],
    ['nothing there yet', starting, 'Ready', 'False/Creating'],
    ['nothing there yet', starting, 'Reconciling', 'True/Creating'],
    ['nothing there yet', starting, 'TopicsReady', 'False/WaitingForLog'],
    ['nothing there yet', starting, 'GatewayReady', 'False/WaitingForDatabase'],
    ['one pod is not ready', halfReady, 'ReaderReady', 'False/PodsNotReady'],
    ['more pods than connections', crowded, 'ReaderReady', 'False/Connections'],
    ['more pods than connections', crowded, 'Stalled', 'True/Connections'],
    ['a partition stopped', gap, 'WriterReady', 'False/LogGap'],
    ['a partition stopped', gap, 'Stalled', 'True/LogGap'],
    ['a partition stopped', gap, 'GatewayReady', 'True/Ready'],
    ['one pod is not ready', halfReady, 'Ready', 'False/PodsNotReady'],
    ['one pod is not ready', halfReady, 'Reconciling', 'True/PodsNotReady'],
    ['scaled to zero', zero, 'Ready', 'True/ScaledToZero'],
    ['Kafka does not answer', kafkaAway, 'TopicsReady', 'False/EngineUnreachable'],
    ['the record cannot be used', refused, 'Stalled', 'True/RecordRefused'],
    ['the record cannot be used', refused, 'Ready', 'False/RecordRefused'],
    ['the record cannot be used', refused, 'Reconciling', 'False/RecordRefused'],
    ['a name is taken', up(), 'Stalled', 'True/NotOwned', [notOwned]],
    ['a write failed', up(), 'Ready', 'False/ApplyFailed', [{ cause: 'retry', message: 'away' }]],
    ['a write failed', up(), 'Stalled', 'False/Healthy', [{ cause: 'retry', message: 'away' }]],
    ['an image is missing', withoutImage, 'GatewayReady', 'False/ImageMissing'],
    ['an image is missing', withoutImage, 'Ready', 'False/GatewayImageMissing'],
    ['an image is missing', withoutImage, 'Stalled', 'True/GatewayImageMissing'],
    ['an image is missing', withoutImage, 'Reconciling', 'False/GatewayImageMissing'],
    ['no node has room', withoutNode, 'LogReady', 'False/Unschedulable'],
    ['no node has room', withoutNode, 'Ready', 'False/KafkaBrokerUnschedulable'],
    ['no node has room', withoutNode, 'Reconciling', 'True/KafkaBrokerUnschedulable'],
    ['no node has room', withoutNode, 'Stalled', 'False/Healthy'],
    ['the migration fails', migrationFails, 'DatabaseReady', 'False/MigrationFailed'],
    ['paused', paused, 'Paused', 'True/PausedByAnnotation'],
    ['paused', paused, 'Reconciling', 'False/PausedByAnnotation'],
  ]
  test.each(rows)('%s: %#', (_name, world, type, wanted, failures) => {
    expect(told(world, type, failures)).toBe(wanted)
  })

  test('Stalled names the field and the remedy', () => {
    const stalled = status(refused).conditions?.find(({ type }) => type === 'Stalled')
    expect(stalled?.message).toMatch(/^spec\.record\/key: .*Nothing of it was rolled out$/)
  })
})

describe('the status as a whole', () => {
  test('fits its own schema and serves the scale subresource', () => {
    const derived = status(up())
    expect(Value.Check(DataServiceStatus, derived)).toBe(true)
    expect(derived).toMatchObject({
      replicas: 3,
      observedGeneration: 1,
      endpoints: { gateway: 'http://orders-gateway.shop.svc' },
    })
    expect(derived.selector).toContain('app.kubernetes.io/component=gateway')
  })

  test('stays still while nothing changes, however much later', () => {
    const first = status(up())
    const world = up()
    const later = status(
      { ...world, owner: { ...world.owner, status: first } },
      [],
      new Date('2027-01-01T00:00:00Z'),
    )
    expect(sameStatus(first, later)).toBe(true)
  })

  test('the order in which the API server keeps conditions does not matter', () => {
    const first = status(up())
    expect(sameStatus({ ...first, conditions: (first.conditions ?? []).toReversed() }, first)).toBe(true)
  })

  test('the schema version of the last migration stays while another waits', () => {
    const first = status(up())
    const world = { ...refused, owner: { ...refused.owner, status: first } }
    expect(status(world).schemaVersion).toBe(first.schemaVersion)
  })
})
