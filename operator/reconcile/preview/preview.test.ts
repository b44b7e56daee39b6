import { expect, test } from 'vitest'
import type { DataService } from '#crds/v1alpha1/resource.ts'
import type { ObservedChild } from '#operator/desired/target.ts'
import { type Change, dataService, smallestSpec, withSpec } from '#operator/testing/data-service.ts'
import { testRevision } from '#operator/testing/target.ts'
import { factsOf, only, upAndRunning } from '#operator/testing/world.ts'
import { previewOf } from './preview.ts'
import { previewLines } from './text.ts'

const running = dataService(
  withSpec({ kafka: { topic: { retention: '7d' } }, postgres: { partitioning: { retain: '90d' } } }),
)

function linesOf(
  changes: readonly Change[],
  change?: (child: ObservedChild) => ObservedChild | undefined,
): string[] {
  const owner = changes.reduce((service, each) => each(service), running)
  return previewLines(previewOf(factsOf({ ...upAndRunning(running, change), owner })))
}

test('what stands as it is asked for would not change', () => {
  expect(linesOf([])).toEqual(['nothing would change'])
})

test('a resource that is not there yet is created whole', () => {
  const preview = previewOf(factsOf({ owner: running }))
  expect(preview.created).toContain('StatefulSet orders-kafka')
  expect(preview.created).toContain('Secret orders-identity')
  expect(preview.created).toContain('HorizontalPodAutoscaler orders-gateway')
  expect({ ...preview, created: [] }).toEqual({
    created: [],
    changed: [],
    deleted: [],
    restarted: [],
    scaled: [],
    risks: [],
  })
})

test('backups turned off: what becomes of the volume says the policy that was there before', () => {
  const backedUp = (deletionPolicy: string) =>
    dataService(withSpec({ backup: { schedule: '0 3 * * *', deletionPolicy } }))
  const risks = (before: string, now: string) =>
    previewOf(
      factsOf({
        ...upAndRunning(backedUp(before)),
        owner: dataService(withSpec({ deletionPolicy: now })),
      }),
    ).risks
  expect(risks('Retain', 'Delete')).toContain(
    'what Postgres writes is not archived any more, the volume with the copies stays',
  )
  expect(risks('Delete', 'Retain')).toContain(
    'what Postgres writes is not archived any more, and with deletionPolicy Delete the volume with all copies goes',
  )
})

test('more memory for Postgres: its fields, and whose pods restart', () => {
  const found = linesOf([withSpec({ postgres: { managed: { resources: { limits: { memory: '2Gi' } } } } })])
  expect(found).toContain('restarts: StatefulSet orders-postgres (1 pod)')
  expect(found.find(line => line.startsWith('changes: StatefulSet orders-postgres'))).toContain(
    'spec.template.spec.containers[postgres].resources.limits.memory',
  )
  expect(found.filter(line => line.includes('kafka'))).toEqual([])
})

test('of one that is pinned: that its restarts wait', () => {
  const change = withSpec({ postgres: { managed: { resources: { limits: { memory: '2Gi' } } } } })
  const lines = (owner: DataService) =>
    previewLines(previewOf(factsOf({ ...upAndRunning(running), owner, stand: 'pinned' })))
  expect(lines(change(running))[0]).toBe(
    `waits: what restarts pods, until spec.operatorRevision is taken out or set to ${testRevision}`,
  )
  expect(lines(running)).toEqual(['nothing would change'])
})

test.each([
  ['served', ['ScaledObject orders-old']],
  ['unserved', []],
] as const)('what is left of a kind that is %s', (state, deleted) => {
  const world = upAndRunning(running)
  const [some] = world.children
  if (some === undefined) throw new Error('there are no children')
  const left = { ...some, kind: 'ScaledObject', metadata: { ...some.metadata, name: 'orders-old' } }
  const owner: DataService = { ...running, status: { kindsOfOthers: ['ScaledObject'] } }
  const facts = factsOf({ ...world, owner, children: [...world.children, left], serving: { state } })
  expect(previewOf(facts).deleted).toEqual(deleted)
})

test('shorter retention and a dropped index: what goes, and who is told 400', () => {
  const found = linesOf([
    withSpec({
      kafka: { topic: { retention: '36h' } },
      postgres: { partitioning: { retain: '30d' } },
      record: { ...smallestSpec.record, indexes: [{ fields: ['/customerId'] }] },
    }),
  ])
  expect(found.slice(0, 3)).toEqual([
    'data: the log keeps records for 36 hours instead of 7 days: Kafka removes what is older at once, also what the writer has not stored yet',
    'data: records are kept for 30 days instead of 90 days: the next maintenance removes older ones, within the hour',
    'data: the index /status (Lookup) goes, and queries that need it are answered 400; no record goes with it',
  ])
  expect(found).toContain('restarts: Deployment orders-gateway (3 pods)')
  expect(found.filter(line => /^(creates|deletes): Job orders-migrate-/.test(line))).toHaveLength(2)
})

test('a refused change says why, and that nothing is done', () => {
  const [only, ...others] = linesOf([
    withSpec({ record: { ...smallestSpec.record, indexes: [{ fields: ['/nowhere'] }] } }),
  ])
  expect(only).toMatch(/^refused, and nothing is changed: spec\.record\/indexes\/0\/fields\/0/)
  expect(others).toEqual([])
})

test('numbers of pods, and the autoscaler that goes', () => {
  const found = linesOf([withSpec({ replicas: 5, reader: { autoscaling: { mode: 'Off' } } })])
  expect(found).toContain('scales: Deployment orders-gateway from 3 to 5')
  expect(found).toContain('deletes: HorizontalPodAutoscaler orders-reader')
  expect(found).toContain('changes: HorizontalPodAutoscaler orders-gateway: spec.minReplicas')
  expect(found.filter(line => line.startsWith('restarts'))).toEqual([])
})

test('a second cache: it starts, and those who ask it are told', () => {
  const found = linesOf([withSpec({ redis: { managed: { instances: 2 } } })])
  expect(found).toContain('changes: StatefulSet orders-redis: spec.replicas, spec.minReadySeconds')
  expect(found.filter(line => line.startsWith('restarts'))).toEqual([
    'restarts: Deployment orders-gateway (3 pods)',
    'restarts: Deployment orders-writer (2 pods)',
    'restarts: Deployment orders-reader (3 pods)',
  ])
})

test('Hibernated is said in words', () => {
  expect(linesOf([withSpec({ lifecycle: 'Hibernated' })])[0]).toContain('data: every pod ends')
})

test('what somebody changed by hand, and what an operator of another version had set, shows too', () => {
  const byHand = only('Service', 'orders-gateway', child => ({
    ...child,
    spec: { ...child.spec, selector: {} },
  }))
  expect(linesOf([], byHand)).toEqual([
    'changes: Service orders-gateway: spec.selector.app.kubernetes.io/name, ' +
      'spec.selector.app.kubernetes.io/instance, spec.selector.app.kubernetes.io/component',
  ])
  const older = only('Deployment', 'orders-reader', child => ({
    ...child,
    metadata: {
      ...child.metadata,
      annotations: { ...child.metadata.annotations, 'dataservice.dev/desired': 'older' },
    },
  }))
  expect(linesOf([], older)).toEqual([
    'restarts: Deployment orders-reader (3 pods)',
    'changes: Deployment orders-reader: fields that are no longer set',
  ])
})

test('the first consumer: a Secret, and brokers that restart; a further one restarts nothing', () => {
  const consumers = [{ name: 'billing' }]
  const found = linesOf([withSpec({ consumers })])
  expect(found).toContain('restarts: StatefulSet orders-kafka (1 pod)')
  expect(found.join('\n')).toContain('restarted with a listener for consumers, and nothing is accepted until')
  const bound = dataService(withSpec({ consumers }))
  const status = { consumers: [{ name: 'billing', secret: 'orders-binding-billing' }] }
  const owner = { ...bound, spec: { ...bound.spec, consumers: [...consumers, { name: 'audit' }] }, status }
  const further = previewLines(previewOf(factsOf({ ...upAndRunning(bound), owner })))
  expect(further.join('\n')).toContain('Secret orders-binding-audit')
  expect(further.join('\n')).not.toMatch(/restart/)
})
