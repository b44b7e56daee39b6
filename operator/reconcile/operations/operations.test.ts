/** Operations, decided and told: each moment from what is there, as an operator finds it that was just started. */
import { describe, expect, test } from 'vitest'
import type { Operation } from '#crds/v1alpha1/operation.ts'
import { operationJobName } from '#operator/desired/names.ts'
import type { ObservedChild } from '#operator/desired/target.ts'
import { changedOperations, orphanedOperations } from '#operator/status/operations.ts'
import { dataService, withSpec } from '#operator/testing/data-service.ts'
import { operation } from '#operator/testing/operation.ts'
import { ended, pod } from '#operator/testing/pods.ts'
import { factsOf, only, upAndRunning, type World } from '#operator/testing/world.ts'
import { decide } from '../decide.ts'
import { keptOperations } from './at-work.ts'

const backedUp = withSpec({ backup: { schedule: '0 3 * * *' } })
const owner = dataService(backedUp)
const now = new Date('2026-01-02T00:00:00Z')
const first = operation({ name: 'first' })
const jobName = operationJobName('orders', first.metadata.uid)

const unready = { status: 'False', message: 'the reader is woken after postgres' } as const

function seen(
  world: Partial<World> & {
    operations: readonly Operation[]
    ready?: { status: 'True' | 'False'; message: string }
  },
) {
  const facts = factsOf({ ...upAndRunning(owner), ...world })
  const plan = decide(facts)
  return {
    jobs: plan.steps.flatMap(step =>
      step.do === 'create' && step.object.kind === 'Job' ? [step.object.metadata.name] : [],
    ),
    removed: plan.steps.flatMap(step => (step.do === 'remove' ? [`${step.kind} ${step.name}`] : [])),
    told: changedOperations({ facts, plan, now, ready: world.ready ?? unready }).map(
      ({ metadata, status }) => `${metadata.name} ${status?.phase}: ${status?.message}`,
    ),
    statuses: changedOperations({ facts, plan, now, ready: world.ready ?? unready }).map(
      ({ status }) => status,
    ),
  }
}

const world = upAndRunning(owner)
const withJob = (status: Record<string, unknown>, said = '', component = 'backup-job') => {
  const job: ObservedChild = {
    apiVersion: 'batch/v1',
    kind: 'Job',
    metadata: {
      ...world.children[0]?.metadata,
      name: jobName,
      namespace: 'shop',
      uid: 'uid-of-job',
      labels: { 'app.kubernetes.io/instance': 'orders', 'app.kubernetes.io/component': component },
      ownerReferences: world.children[0]?.metadata.ownerReferences ?? [],
    },
    status,
  }
  const worker = pod({
    owner: 'backup',
    name: `${jobName}-x`,
    labels: { 'batch.kubernetes.io/job-name': jobName },
    container: { state: ended(0, 'Completed', said) },
  })
  return { children: [...world.children, job], pods: [worker] }
}
const complete = { conditions: [{ type: 'Complete', status: 'True' }] }
const failed = { conditions: [{ type: 'Failed', status: 'True', message: 'BackoffLimitExceeded' }] }

describe('a backup', () => {
  test('is made by one Job, and others wait for it', () => {
    const second = operation({ name: 'second', created: '2026-01-01T00:00:01Z' })
    expect(seen({ operations: [second, first] })).toMatchObject({
      jobs: [jobName],
      told: ['first Pending: it is about to begin', 'second Pending: waits until operation first is over'],
    })
  })

  test('waits for the archive, and says so', () => {
    const unready = only('StatefulSet', 'orders-backup', child => ({
      ...child,
      status: { ...child.status, readyReplicas: 0 },
    }))
    const found = seen({ ...upAndRunning(owner, unready), operations: [first] })
    expect(found.jobs).toEqual([])
    expect(found.told).toEqual([
      'first Pending: the archive is not ready yet; the condition BackupReady tells why',
    ])
  })

  test('tells what was made, and its Job goes when that stands in its status', () => {
    const made = { name: '20260101T000000Z', bytes: 4711 }
    const [status] = seen({ ...withJob(complete, JSON.stringify(made)), operations: [first] }).statuses
    expect(status).toMatchObject({
      phase: 'Succeeded',
      backup: made,
      startedAt: '2026-01-02T00:00:00Z',
      completedAt: '2026-01-02T00:00:00Z',
    })
    expect(status?.conditions?.map(({ type, status: is, reason }) => `${type} ${is} ${reason}`)).toEqual([
      'Ready True Succeeded',
      'Reconciling False Succeeded',
      'Stalled False Succeeded',
    ])
    const after = seen({ ...withJob(complete), operations: [{ ...first, ...(status && { status }) }] })
    expect(after).toMatchObject({ jobs: [], removed: [`Job ${jobName}`], told: [] })
  })

  test('a Job that gave up is not made again: its last words are the end', () => {
    const found = seen({ ...withJob(failed, 'no room left'), operations: [first] })
    expect(found).toMatchObject({ jobs: [], removed: [] })
    expect(found.told).toEqual([
      `first Failed: Job ${jobName} failed: no room left. What was there before is as it was`,
    ])
  })

  test('one that is cancelled ends, and its Job with it', () => {
    const cancelled = operation({ name: 'first', spec: { cancel: true } })
    expect(seen({ ...withJob({}), operations: [cancelled] })).toMatchObject({
      jobs: [],
      removed: [`Job ${jobName}`],
      told: ['first Cancelled: it was cancelled by spec.cancel'],
    })
  })

  test('without spec.backup it fails and says what to set', () => {
    const plain = dataService()
    expect(seen({ ...upAndRunning(plain), owner: plain, operations: [first] })).toMatchObject({
      jobs: [],
      told: [
        'first Failed: spec.backup of DataService orders is not set: set it, then create another operation',
      ],
    })
  })
})

test('who asks is what the annotation claims, as it was first', () => {
  const annotations = { 'dataservice.dev/requested-by': 'ann' }
  const [status] = seen({ operations: [operation({ name: 'first', annotations })] }).statuses
  expect(status?.requestedBy).toBe('ann')
  const [later] = seen({
    ...withJob(complete),
    operations: [
      operation({
        name: 'first',
        annotations: { 'dataservice.dev/requested-by': 'bob' },
        ...(status && { status }),
      }),
    ],
  }).statuses
  expect(later?.requestedBy).toBe('ann')
})

test('one without its DataService waits for it; one that is over says nothing any more', () => {
  const over = operation({ name: 'over', status: { phase: 'Failed', message: 'x' } })
  const found = orphanedOperations([first, over], now)
  expect(found.map(({ status }) => status?.message)).toEqual([
    'there is no DataService orders in namespace shop: create it, or correct spec.dataService in another operation',
  ])
})

test('of those that ended the oldest are removed beyond what is kept', () => {
  const many = Array.from({ length: keptOperations + 2 }, (_, number) =>
    operation({
      name: `done-${String(number).padStart(2, '0')}`,
      created: `2026-01-01T00:00:${String(number).padStart(2, '0')}Z`,
      status: { phase: 'Succeeded', message: 'x' },
    }),
  )
  expect(seen({ operations: many }).removed).toEqual([
    'DataServiceOperation done-00',
    'DataServiceOperation done-01',
  ])
})

describe('a restore', () => {
  const restore = operation({ name: 'first', spec: { type: 'Restore' } })
  const asleep = Object.fromEntries(
    ['writer', 'reader', 'redis', 'postgres', 'backup'].map(part => [`orders-${part}`, part]),
  )
  /** All that used the database has ended. */
  const ended = upAndRunning(owner, child =>
    asleep[child.metadata.name] === undefined || !['Deployment', 'StatefulSet'].includes(child.kind)
      ? child
      : {
          ...child,
          spec: { ...child.spec, replicas: 0 },
          status: { replicas: 0, readyReplicas: 0, updatedReplicas: 0, observedGeneration: 1 },
        },
  )
  const sleeping = dataService(backedUp, service => ({
    ...service,
    status: { hibernation: { replicas: { writer: 2, reader: 3 } } },
  }))

  test('first everything that uses the database ends, the writer first; the gateway goes on', () => {
    const facts = factsOf({ ...upAndRunning(owner), operations: [restore] })
    expect([...facts.target.asleep]).toEqual(['writer'])
    expect(seen({ operations: [restore] })).toMatchObject({
      jobs: [],
      removed: [`Job ${world.children.find(({ kind }) => kind === 'Job')?.metadata.name}`],
      told: [expect.stringMatching(/^first Running: writer, reader, Redis, Postgres and the archive end/)],
    })
  })

  test('of a DataService that is new it begins when the volumes are made', () => {
    const unmade = { owner, secrets: world.secrets, operations: [restore] }
    expect(factsOf(unmade).target.asleep.size).toBe(0)
    expect(seen({ children: [], operations: [restore] }).told).toEqual([
      'first Pending: Postgres and its archive are not made yet',
    ])
  })

  const begun = { ...restore, status: { phase: 'Running', message: 'x' } as const }

  test('then its Job is made', () => {
    const found = seen({ ...ended, owner: sleeping, operations: [begun] })
    expect(found.jobs).toEqual([jobName])
    expect(factsOf({ ...ended, owner: sleeping, operations: [begun] }).target.asleep).toEqual(
      new Set(['writer', 'reader', 'redis', 'postgres']),
    )
  })

  const withEnd = (status: Record<string, unknown>, said = '') => {
    const { children, pods } = withJob(status, said, 'restore')
    const job = children.at(-1)
    const migration = (child: ObservedChild) => child.kind === 'Job'
    const rest = ended.children.filter(child => !migration(child))
    return { ...ended, owner: sleeping, children: job === undefined ? rest : [...rest, job], pods }
  }

  test('the database wakes when it is done; who uses it waits for the migration', () => {
    const world = { ...withEnd(complete, '{"backup":"20260101T000000Z","until":"x"}'), operations: [restore] }
    expect(factsOf(world).target.asleep).toEqual(new Set(['redis', 'reader', 'writer']))
    expect(seen(world).statuses[0]).toMatchObject({
      phase: 'Running',
      restore: { backup: '20260101T000000Z', until: 'x' },
    })
  })

  test('replicas start after it: what they have is the past until they can ask the primary', () => {
    const pods = (operations: readonly Operation[]) => {
      const service = dataService(backedUp, withSpec({ postgres: { managed: { instances: 3 } } }))
      const { steps } = decide(
        factsOf({
          ...withEnd(complete, '{}'),
          owner: { ...service, status: sleeping.status ?? {} },
          operations,
        }),
      )
      const set = steps.find(step => step.do === 'apply' && step.object.metadata.name === 'orders-postgres')
      return set?.do === 'apply' && 'spec' in set.object
        ? Reflect.get(Object(set.object.spec), 'replicas')
        : undefined
    }
    expect(pods([restore])).toBe(1)
    expect(pods([{ ...restore, status: { phase: 'Succeeded', message: 'x' } }])).toBe(3)
  })

  test('what failed leaves the old data: everything wakes', () => {
    const world = { ...withEnd(failed, 'no backup leads to that moment'), operations: [restore] }
    expect(factsOf(world).target.asleep.has('postgres')).toBe(false)
    expect(seen(world)).toMatchObject({
      jobs: [],
      told: [
        `first Failed: Job ${jobName} failed: no backup leads to that moment. What was there before is as it was`,
      ],
    })
  })

  test('it is given up as long as the old data is there, and not after that', () => {
    const cancelled = operation({ name: 'first', spec: { type: 'Restore', cancel: true } })
    expect(seen({ ...withEnd({}), operations: [cancelled] })).toMatchObject({
      removed: [`Job ${jobName}`],
      told: ['first Cancelled: it was cancelled by spec.cancel'],
    })
    const [late] = seen({ ...withEnd(complete, '{"backup":"b"}'), operations: [cancelled] }).statuses
    expect(late?.phase).toBe('Running')
    const unseen = withEnd({})
    const pods = unseen.pods.map(each => ({ ...each, status: { ...each.status, phase: 'Succeeded' } }))
    const found = seen({ ...unseen, pods, operations: [cancelled] })
    expect([found.removed, found.statuses[0]?.phase]).toEqual([[], 'Running'])
  })

  test('it ends when everything is back, and tells what is lost', () => {
    const done = operation({
      name: 'first',
      spec: { type: 'Restore' },
      status: { phase: 'Running', restore: { backup: 'b' } },
    })
    const job = world.children.find(({ kind }) => kind === 'Job')?.metadata.name ?? ''
    const told = pod({
      owner: 'migrate',
      name: 'migration',
      labels: { 'batch.kubernetes.io/job-name': job },
      container: {
        state: {
          terminated: { exitCode: 0, reason: 'Completed', message: 'Restored: {"moved":2,"lost":7}' },
        },
      },
    })
    const running = { ...world, pods: [told], operations: [done] }
    expect(seen({ ...running, ready: { status: 'False', message: 'x' } }).statuses[0]?.phase).toBe('Running')
    const [status] = seen({ ...running, ready: { status: 'True', message: 'x' } }).statuses
    expect(status).toMatchObject({
      phase: 'Succeeded',
      restore: { backup: 'b', movedPartitions: 2, lostRecords: 7 },
    })
  })
})
