/** What a restore leaves alone, and what leaves it alone: pods that may have one of its two volumes open. */
import { describe, expect, test } from 'vitest'
import type { Operation } from '#crds/v1alpha1/operation.ts'
import { operationJob } from '#operator/desired/backup/operation-job.ts'
import type { ObservedChild } from '#operator/desired/target.ts'
import { resting } from '#operator/status/hibernation.ts'
import { dataService, withSpec } from '#operator/testing/data-service.ts'
import { operation } from '#operator/testing/operation.ts'
import { pod } from '#operator/testing/pods.ts'
import { factsOf, upAndRunning, type World } from '#operator/testing/world.ts'
import { decide } from '../decide.ts'
import { nameOf } from '../plan.ts'

const putToSleep = (service: ReturnType<typeof dataService>) => ({
  ...service,
  status: { hibernation: { replicas: { writer: 2, reader: 3 } } },
})
const owner = dataService(withSpec({ backup: { schedule: '0 3 * * *' } }), putToSleep)
const restore = operation({ name: 'first', spec: { type: 'Restore' } })
const begun: Operation = { ...restore, status: { phase: 'Running', message: 'x' } }

const users = ['writer', 'reader', 'redis', 'postgres', 'backup'].map(part => `orders-${part}`)
/** All that used the database has ended. */
const world = upAndRunning(owner, child =>
  users.includes(child.metadata.name) && ['Deployment', 'StatefulSet'].includes(child.kind)
    ? {
        ...child,
        spec: { ...child.spec, replicas: 0 },
        status: { replicas: 0, readyReplicas: 0, updatedReplicas: 0, observedGeneration: 1 },
      }
    : child,
)

/** Pods that Postgres has after it, and how many restores begin. */
function seen(moment: Partial<World>) {
  const facts = factsOf({ ...world, ...moment })
  const { steps } = decide(facts)
  const sets = steps.flatMap(step =>
    step.do === 'apply' && nameOf(step) === 'StatefulSet orders-postgres' && 'spec' in step.object
      ? [Reflect.get(Object(step.object.spec), 'replicas')]
      : [],
  )
  const jobs = steps.flatMap(step =>
    step.do === 'create' && step.object.kind === 'Job' ? [step.object.metadata.labels] : [],
  )
  const removed = steps.filter(step => step.do === 'remove' && !step.name.startsWith('orders-migrate-'))
  return { postgres: sets[0] ?? 0, restores: jobs.length, removed }
}

const restorer = (phase: string) => pod({ owner: 'restore', name: 'restorer', phase })

describe('Postgres stays asleep while its volume may be written', () => {
  const made = operationJob(factsOf({ ...world, operations: [begun] }).target)
  const job: ObservedChild[] = made === undefined ? [] : [{ ...made, spec: {}, status: {} }]
  const cancelled = operation({
    name: 'first',
    spec: { type: 'Restore', cancel: true },
    status: { phase: 'Cancelled', message: 'x' },
  })
  const rows: [string, Partial<World>][] = [
    ['the restore was cancelled', { operations: [cancelled] }],
    ['the restore was deleted', {}],
    ['backups are not wanted any more', { owner: dataService(putToSleep), operations: [begun] }],
  ]
  test.each(rows)('%s', (_, moment) => {
    expect(seen({ ...moment, pods: [restorer('Running')] }).postgres).toBe(0)
    expect(seen({ ...moment, pods: [restorer('Pending')] }).postgres).toBe(0)
    expect(seen({ ...moment, children: [...world.children, ...job] }).postgres).toBe(0)
    expect(seen({ ...moment, pods: [restorer('Failed')] }).postgres).toBe(1)
  })

  test('the pod is named, and what to do when its node is lost', () => {
    const facts = factsOf({ ...world, operations: [cancelled], pods: [restorer('Running')] })
    expect(resting(facts, 'postgres', 'DatabaseReady')?.message).toMatch(
      /woken when pod restorer, .* has ended. .* kubectl -n shop delete pod restorer --force/,
    )
  })
})

test('a restore waits for the pod of another one', () => {
  expect(seen({ operations: [begun], pods: [restorer('Running')] }).restores).toBe(0)
  expect(seen({ operations: [begun], pods: [restorer('Succeeded')] }).restores).toBe(1)
})

describe('a copy by schedule that is being made', () => {
  const copier = (job: string, phase: string, deleted = false): ObservedChild => {
    const made = pod({ owner: 'backup-job', name: `${job}-x`, phase, deleted })
    const reference = { apiVersion: 'batch/v1', kind: 'Job', name: job, uid: `uid-of-${job}` }
    const ownerReferences = [{ ...reference, controller: true, blockOwnerDeletion: true } as const]
    return { ...made, metadata: { ...made.metadata, ownerReferences } }
  }
  const gone = {
    do: 'remove',
    kind: 'Job',
    namespace: 'shop',
    name: 'orders-backup-29',
    uid: 'uid-of-orders-backup-29',
  }

  test('ends when a restore begins, which waits for its pod', () => {
    const found = seen({ operations: [begun], pods: [copier('orders-backup-29', 'Running')] })
    expect(found).toMatchObject({ removed: [gone], restores: 0 })
    const ending = seen({ operations: [begun], pods: [copier('orders-backup-29', 'Running', true)] })
    expect(ending).toMatchObject({ removed: [], restores: 0 })
    const after = seen({ operations: [begun], pods: [copier('orders-backup-29', 'Failed')] })
    expect(after).toMatchObject({ removed: [], restores: 1 })
  })

  test('goes on without one; and no Job of others ends', () => {
    const pods = [copier('orders-backup-29', 'Running')]
    expect(seen({ operations: [operation({ name: 'first' })], pods }).removed).toEqual([])
    expect(seen({ operations: [begun], pods: [copier('orders-backup-mine', 'Running')] }).removed).toEqual([])
  })
})
