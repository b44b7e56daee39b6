/** A promotion, decided and told: each moment from what is there, as an operator finds it that was just started. */
import { describe, expect, test } from 'vitest'
import type { OperationSpec, OperationStatus } from '#crds/v1alpha1/operation.ts'
import { annotationKeys } from '#operator/desired/labels.ts'
import type { ObservedChild } from '#operator/desired/target.ts'
import { changedOperations } from '#operator/status/operations.ts'
import { ofClass } from '#operator/testing/class.ts'
import { dataService, withSpec } from '#operator/testing/data-service.ts'
import { oneRun } from '#operator/testing/one-run.ts'
import { operation } from '#operator/testing/operation.ts'
import { factsOf, only, upAndRunning, type World } from '#operator/testing/world.ts'
import { decide } from '../decide.ts'

const now = new Date('2026-01-02T00:01:00Z')
const startedAt = '2026-01-02T00:00:00Z'
const owner = dataService(withSpec({ postgres: { managed: { instances: 3 } } }))
const calm = upAndRunning(owner)

interface PodStory {
  ready?: boolean
  role?: 'primary' | 'replica'
  created?: string
  ended?: string
}

function pod(ordinal: number, { ready = true, role, created, ended }: PodStory = {}): ObservedChild {
  const name = `orders-postgres-${ordinal}`
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: {
      name,
      namespace: 'shop',
      uid: `uid-of-${name}`,
      labels: { 'app.kubernetes.io/component': 'postgres', ...(role && { 'dataservice.dev/role': role }) },
      creationTimestamp: created ?? '2026-01-01T00:00:00Z',
      ...(ended !== undefined && { deletionTimestamp: ended }),
    },
    status: { conditions: [{ type: 'Ready', status: ready ? 'True' : 'False' }] },
  }
}

const before = [pod(0, { role: 'primary' }), pod(1, { role: 'replica' }), pod(2, { role: 'replica' })]
const after = [
  pod(0, { role: 'replica', created: '2026-01-02T00:00:30Z' }),
  pod(1, { role: 'primary' }),
  pod(2, { role: 'replica' }),
]
const chosen = { instance: 1, from: 0 }
const recorded = (ordinal: number) => ({
  'orders-identity': { ...calm.marks['orders-identity'], [annotationKeys.primary]: String(ordinal) },
})
const asked = (status?: OperationStatus, promote?: OperationSpec['promote']) =>
  operation({
    name: 'p',
    spec: { type: 'Promote', ...(promote && { promote }) },
    ...(status && { status: { startedAt, ...status } }),
  })
const begun = asked({ phase: 'Running', promote: chosen })

function seen(world: Partial<World>, promotion = asked()) {
  const facts = factsOf({ ...calm, pods: before, operations: [promotion], ...world })
  const plan = decide(facts)
  const [changed] = changedOperations({ facts, plan, now, ready: { status: 'True', message: '' } })
  const { phase, message, promote } = changed?.status ?? {}
  return {
    told: `${phase}: ${message}`,
    promote,
    ended: plan.steps.flatMap(step => (step.do === 'remove' && step.kind === 'Pod' ? [step.name] : [])),
    written: plan.steps.flatMap(step =>
      step.do === 'apply' ? [`${step.object.kind} ${step.object.metadata.name}`] : [],
    ),
  }
}

describe('who becomes the primary', () => {
  test('is written down before anything follows from it', () => {
    expect(seen({})).toEqual({
      told: 'Running: orders-postgres-1 is chosen',
      promote: chosen,
      ended: [],
      written: [],
    })
  })

  test('is a replica that is ready, or the one that was asked for', () => {
    const pods = [pod(0, { role: 'primary' }), pod(1, { ready: false }), pod(2)]
    expect(seen({ pods }).promote).toEqual({ instance: 2, from: 0 })
    expect(seen({}, asked(undefined, { instance: 2 })).promote).toEqual({ instance: 2, from: 0 })
    expect(seen({ pods }, asked(undefined, { instance: 1 })).told).toMatch(
      /^Pending: orders-postgres-1 is not a replica that is ready/,
    )
  })

  test('also when the node of the old one is gone, with whatever its pod says', () => {
    const pods = [pod(0, { role: 'primary', ready: false, ended: startedAt }), pod(1), pod(2)]
    expect(seen({ pods }).promote).toEqual(chosen)
  })

  test.each([
    ['is it already', owner, { instance: 0 }, 'orders-postgres-0 is the primary already'],
    ['is not there', owner, { instance: 4 }, 'there is no pod orders-postgres-4'],
    ['nobody can be', dataService(), undefined, 'has no replica of Postgres'],
  ])('one that %s ends it', (_why, service, promote, says) => {
    const world = { ...upAndRunning(service), owner: service }
    expect(seen(world, asked(undefined, promote)).told).toMatch(new RegExp(`^Failed: .*${says}`))
  })

  test('where others run Postgres is their business', () => {
    const external = {
      host: 'db.test',
      port: 5432,
      database: 'd',
      secretRef: { name: 'db' },
      maxConnections: 100,
    }
    const service = dataService()
    const world = upAndRunning(service, undefined, ofClass({ postgres: { external } }))
    expect(seen({ ...world, owner: service }).told).toMatch(/^Failed: .*not run by this operator/)
  })

  test('can be given up before, and not after', () => {
    const cancelled = operation({ name: 'p', spec: { type: 'Promote', cancel: true } })
    expect(seen({}, cancelled).told).toBe('Cancelled: it was cancelled by spec.cancel')
    const late = { ...begun, spec: { ...begun.spec, cancel: true } }
    expect(seen({}, late).told).toMatch(/^Running: /)
  })
})

/** The children as they are once the choice was written to them. */
const told = (ordinal: number) => {
  const config = only('ConfigMap', 'orders-postgres-config', child => ({
    ...child,
    data: { ...child.data, primary: `${ordinal}\n` },
  }))
  return { children: upAndRunning(owner, config).children, marks: recorded(ordinal) }
}

describe('once it is chosen', () => {
  test('all that names it is written, and the old one goes on until its file says so', () => {
    const { ended, written } = seen({}, begun)
    expect(ended).toEqual([])
    expect(written).toEqual([
      'ConfigMap orders-postgres-config',
      'Service orders-postgres-rw',
      'Secret orders-identity',
    ])
  })

  test('the label of the new one comes after the files: by that change its kubelet looks at them', () => {
    expect(seen(told(1), begun).written).toContain('Pod orders-postgres-1')
  })

  test('then the old one ends; it keeps its role until then, so that nobody reads from it', () => {
    const found = seen(told(1), begun)
    expect(found.ended).toEqual(['orders-postgres-0'])
    expect(found.written).not.toContain('Pod orders-postgres-0')
    expect(found.told).toBe(
      'Running: orders-postgres-1 in place of orders-postgres-0: waits until orders-postgres-0 ends',
    )
  })

  test('one whose node is gone is not waited for', () => {
    const pods = [pod(0, { role: 'primary', ready: false, ended: startedAt }), ...after.slice(1)]
    expect(seen({ ...told(1), pods }, begun)).toMatchObject({
      told: expect.stringMatching(/^Succeeded: /),
      ended: [],
    })
  })

  test('it succeeds when a probe record has come through that was sent after that', () => {
    const passed = (passedAgoMs: number): Partial<World> => ({
      ...told(1),
      pods: after,
      endToEnd: { kind: 'told', told: { quickestMs: 10, passedAgoMs } },
    })
    expect(seen(passed(40_000), begun).told).toMatch(/waits until a probe record comes through$/)
    expect(seen(passed(1_000), begun).told).toBe(
      'Succeeded: orders-postgres-1 in place of orders-postgres-0 is the primary; the writers store again what it lacked',
    )
  })
})

test('what was recorded stays so without an operation, and may not be scaled away', () => {
  const { children, marks } = told(1)
  expect(factsOf({ ...calm, children, marks }).target.initialisation.primary).toBe(1)
  const fewer = dataService(withSpec({ postgres: { managed: { instances: 1 } } }))
  const found = oneRun({ ...calm, owner: fewer, children, marks })
  expect(found.stalled).toContain('the primary is orders-postgres-1, which would go')
  expect(found.steps).toEqual([])
})
