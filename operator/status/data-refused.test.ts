import { describe, expect, test } from 'vitest'
import { annotationKeys } from '#operator/desired/labels.ts'
import { decide } from '#operator/reconcile/decide.ts'
import { dataService, withSpec } from '#operator/testing/data-service.ts'
import { refusedPod } from '#operator/testing/refused-pod.ts'
import { factsOf, only, upAndRunning, type World } from '#operator/testing/world.ts'
import { deriveStatus } from './derive.ts'

const byStrimzi = { kafka: { strimzi: { cluster: 'main' } } }
const byCloudNativePG = { postgres: { cloudNativePG: {} } }

function conditions(world: World): Record<string, { verdict: string; message: string }> {
  const facts = factsOf(world)
  const status = deriveStatus({
    facts,
    plan: decide(facts),
    result: { failures: [], written: 0 },
    now: new Date(0),
    progress: { kind: 'reached' },
  })
  return Object.fromEntries(
    (status.conditions ?? []).map(({ type, status: is, reason, message }) => [
      type,
      { verdict: `${is}/${reason}`, message },
    ]),
  )
}

const down = (part: string) =>
  upAndRunning(
    dataService(),
    only('StatefulSet', `orders-${part}`, child => ({
      ...child,
      status: { ...child.status, readyReplicas: 0 },
    })),
  )

describe('a volume that was emptied', () => {
  const rows = [
    ['kafka', 'LogReady', 'not in Postgres yet is gone'],
    ['postgres', 'DatabaseReady', 'all stored records are gone'],
  ] as const
  test.each(rows)('of %s is said by %s and Stalled, with the remedy and its price', (part, type, price) => {
    const pods = [refusedPod(part, `VolumeLost: the volume of orders-${part}-0 is empty\n`)]
    const found = conditions({ ...down(part), pods })
    expect(found[type]?.verdict).toBe('False/VolumeLost')
    expect(found['Ready']?.verdict).toBe('False/VolumeLost')
    expect(found['Stalled']?.verdict).toBe('True/VolumeLost')
    expect(found['Reconciling']?.verdict).toBe('False/VolumeLost')
    expect(found[type]?.message).toContain(
      `kubectl -n shop annotate dsvc/orders dataservice.dev/reinitialise=${part}`,
    )
    expect(found[type]?.message).toContain(`the volume of orders-${part}-0 is empty`)
    expect(found[type]?.message).toContain(price)
  })

  test('after the annotation was used the message says so', () => {
    const pods = [refusedPod('kafka', 'VolumeLost: empty')]
    const identity = { [annotationKeys.initialised]: 'kafka', [annotationKeys.reinitialised]: 'kafka' }
    const owner = down('kafka').owner
    const annotated = {
      ...owner,
      metadata: { ...owner.metadata, annotations: { [annotationKeys.reinitialise]: 'kafka' } },
    }
    const world = { ...down('kafka'), owner: annotated, pods, marks: { 'orders-identity': identity } }
    expect(conditions(world)['LogReady']?.message).toContain('was used already')
  })

  test('with permission to start anew it is waiting, not refusal', () => {
    const pods = [refusedPod('kafka', 'VolumeLost: empty')]
    const world = { ...down('kafka'), pods, marks: {} }
    expect(conditions(world)['LogReady']?.verdict).toBe('False/Crashing')
    expect(conditions(world)['Stalled']?.verdict).toBe('False/Healthy')
  })

  test('a part that is ready again is not judged by what its pod said before', () => {
    const pods = [refusedPod('kafka', 'VolumeLost: empty')]
    expect(conditions({ ...upAndRunning(dataService()), pods })['LogReady']?.verdict).toBe('True/Ready')
  })
})

test('a volume of another identity names the Secrets that belong to it', () => {
  const pods = [
    refusedPod(
      'kafka',
      'VolumeMismatch: the volume of orders-kafka-0 belongs to Kafka cluster A, expected B',
    ),
  ]
  const found = conditions({ ...down('kafka'), pods })
  expect(found['Stalled']?.verdict).toBe('True/VolumeMismatch')
  expect(found['LogReady']?.message).toContain('orders-identity')
})

describe('data that outlived another declaration', () => {
  const working = upAndRunning(dataService(), child =>
    child.kind === 'Job' ? { ...child, status: {} } : child,
  )
  const job = working.children.find(({ kind }) => kind === 'Job')?.metadata.name ?? ''
  const text =
    'RetainedDataDiffers: spec.record.key was /customerId when the data was stored and is /status now'

  test('stalls with the field and the remedy', () => {
    const pods = [refusedPod('migrate', text, { 'batch.kubernetes.io/job-name': job })]
    const found = conditions({ ...working, pods })
    expect(found['DatabaseReady']?.verdict).toBe('False/RetainedDataDiffers')
    expect(found['Stalled']?.verdict).toBe('True/RetainedDataDiffers')
    expect(found['Stalled']?.message).toContain('spec.record.key was /customerId')
    expect(found['Stalled']?.message).toContain('Put back what was declared')
  })

  test('what the migration of another declaration said does not count', () => {
    const pods = [refusedPod('migrate', text, { 'batch.kubernetes.io/job-name': 'orders-migrate-old' })]
    expect(conditions({ ...working, pods })['Stalled']?.verdict).toBe('False/Healthy')
  })
})

describe('a Postgres of others that the migration cannot use', () => {
  const external = { host: 'db.test', database: 'd', secretRef: { name: 'db' } }
  const service = dataService(withSpec({ postgres: { external } }))
  const working = upAndRunning(service, child =>
    child.kind === 'Job' ? { ...child, status: { active: 1 } } : child,
  )
  const job = factsOf(working).children.find(({ kind }) => kind === 'Job')?.metadata.name ?? ''

  test.each([
    ['EngineUnreachable', 'correct host, port and tls of postgres.external'],
    ['EngineUnfit', 'name another server'],
    ['LoginRefused', 'Correct the Secret of postgres.external.secretRef'],
    ['RightsMissing', 'Give them there'],
    ['NameTaken', 'Nothing was changed there'],
  ])('%s is the cause of all, with its remedy', (reason, remedy) => {
    const said = refusedPod('migrate', `${reason}: Postgres db.test:5432: what it said\n`)
    const labels = { ...said.metadata.labels, 'batch.kubernetes.io/job-name': job }
    const found = conditions({ ...working, pods: [{ ...said, metadata: { ...said.metadata, labels } }] })
    expect(found['DatabaseReady']?.verdict).toBe(`False/${reason}`)
    expect(found['Ready']?.verdict).toBe(`False/${reason}`)
    expect(found['Ready']?.message).toContain('Postgres db.test:5432: what it said. ')
    expect(found['Ready']?.message).toContain(remedy)
  })
})

describe('a Kafka of others that the migration cannot use', () => {
  const service = dataService(withSpec({ kafka: { external: { bootstrapServers: ['kafka.test:9093'] } } }))
  const working = upAndRunning(service, child =>
    child.kind === 'Job' ? { ...child, status: { active: 1 } } : child,
  )
  const job = factsOf(working).children.find(({ kind }) => kind === 'Job')?.metadata.name ?? ''

  test.each([
    ['LogUnreachable', 'correct bootstrapServers and tls of kafka.external'],
    ['LogUnfit', 'Mend it there'],
    ['LogLoginRefused', 'Correct the Secret of kafka.external.scram.secretRef'],
    ['LogRightsMissing', 'Give them there'],
    ['TopicExists', 'Nothing was changed there'],
    ['TopicMissing', 'It is looked for again'],
  ])('%s is said of the topics, as the cause of all', (reason, remedy) => {
    const said = refusedPod('migrate', `${reason}: Kafka kafka.test:9093: what it said\n`)
    const labels = { ...said.metadata.labels, 'batch.kubernetes.io/job-name': job }
    const found = conditions({ ...working, pods: [{ ...said, metadata: { ...said.metadata, labels } }] })
    expect(found['TopicsReady']?.verdict).toBe(`False/${reason}`)
    expect(found['DatabaseReady']?.verdict).toBe('False/Migrating')
    expect(found['Ready']?.verdict).toBe(`False/${reason}`)
    expect(found['Ready']?.message).toContain('Kafka kafka.test:9093: what it said. ')
    expect(found['Ready']?.message).toContain(remedy)
  })
})

describe('an engine that another operator runs, which the migration cannot use', () => {
  const rows: [string, string, 'TopicsReady' | 'DatabaseReady', Parameters<typeof withSpec>[0]][] = [
    ['LogLoginRefused', 'kafkausers.kafka.strimzi.io orders-kafka tells more', 'TopicsReady', byStrimzi],
    ['LogRightsMissing', 'simple authorization', 'TopicsReady', byStrimzi],
    [
      'LogUnreachable',
      'Is Kafka main up, with a listener as kafka.strimzi.listener',
      'TopicsReady',
      byStrimzi,
    ],
    [
      'LogUnfit',
      'kafkatopics.kafka.strimzi.io -l app.kubernetes.io/instance=orders',
      'TopicsReady',
      byStrimzi,
    ],
    ['TopicMissing', 'kubectl -n shop describe kafkatopics.kafka.strimzi.io', 'TopicsReady', byStrimzi],
    ['EngineUnreachable', 'clusters.postgresql.cnpg.io orders-postgres', 'DatabaseReady', byCloudNativePG],
    ['EngineUnfit', 'postgres.cloudNativePG.imageName', 'DatabaseReady', byCloudNativePG],
    ['LoginRefused', "Secret orders-postgres-app is CloudNativePG's", 'DatabaseReady', byCloudNativePG],
    ['RightsMissing', 'Give them there', 'DatabaseReady', byCloudNativePG],
  ]
  test.each(rows)('%s names what the user has, and no field of others', (reason, remedy, type, spec) => {
    const ready = { conditions: [{ type: 'Ready', status: 'True' }], readyInstances: 2, instances: 2 }
    const working = upAndRunning(dataService(withSpec(spec)), child => ({
      ...child,
      status: child.kind === 'Job' ? { active: 1 } : { ...child.status, ...ready },
    }))
    const job = factsOf(working).children.find(({ kind }) => kind === 'Job')?.metadata.name ?? ''
    const said = refusedPod('migrate', `${reason}: what it said\n`, { 'batch.kubernetes.io/job-name': job })
    const found = conditions({ ...working, pods: [said] })[type]
    expect(found?.verdict).toBe(`False/${reason}`)
    expect(found?.message).toContain(`what it said. `)
    expect(found?.message).toContain(remedy)
    expect(found?.message).not.toMatch(/\.external/)
  })
})
