import { describe, expect, test } from 'vitest'
import type { DataService } from '#crds/v1alpha1/resource.ts'
import { parseSettings } from '#dataservice/contract/settings.ts'
import type { ObservedChild } from '#operator/desired/target.ts'
import { dataService, withSpec } from '#operator/testing/data-service.ts'
import { rehearse, startedOn, untilSettled } from '#operator/testing/rehearsal.ts'
import { factsOf, only, upAndRunning, type World } from '#operator/testing/world.ts'
import { decide } from './decide.ts'
import type { Step } from './plan.ts'
import { isHeldBack } from './roll-order.ts'

const text = { type: 'string', maxLength: 64 }
const schema = (...fields: string[]) => ({
  type: 'object',
  required: ['customerId', ...fields],
  properties: {
    customerId: text,
    status: { type: 'string', maxLength: 16 },
    ...Object.fromEntries(fields.map(field => [field, { type: 'number' }])),
  },
})
const v1 = { name: 'v1', schema: schema('amount') }
const v2 = {
  name: 'v2',
  schema: schema('total'),
  upgrade: [{ op: 'move' as const, from: '/amount', path: '/total' }],
}

function serviceOf(...versions: object[]): DataService {
  const owner = dataService(withSpec({ record: { versions } }))
  const { schema: _, ...record } = owner.spec.record
  return { ...owner, spec: { ...owner.spec, record } }
}

const one = serviceOf(v1)
const both = serviceOf(v1, v2)

const written = (steps: readonly Step[]): string[] =>
  steps.flatMap(step => (step.do === 'apply' ? [`${step.object.kind} ${step.object.metadata.name}`] : []))
const stepsOf = (world: World): string[] => written(decide(factsOf(world)).steps)

/** Versions that gateways are given. */
function givenIn(world: World): unknown {
  const { record } = parseSettings(factsOf(world).target.settings.gateway.text)
  return record.versions?.map(({ name, deprecatedSince }) =>
    deprecatedSince ? `${name} since ${deprecatedSince}` : name,
  )
}

/** A world of `both` in which these parts, and the ConfigMap as far as it is theirs, are still as `one` had them. */
function inBetween(...behind: readonly string[]): World & { children: ObservedChild[] } {
  const [old, now] = [upAndRunning(one), upAndRunning(both)]
  const children = now.children.map(child => {
    const before = old.children.find(
      each => each.kind === child.kind && each.metadata.name === child.metadata.name,
    )
    return before && behind.includes(child.metadata.name) ? before : child
  })
  // As the operator leaves it while it holds gateways back.
  const held = factsOf({ ...now, children: old.children })
  const steps = decide(held).steps
  const settings = steps.find(step => step.do === 'apply' && step.object.kind === 'ConfigMap')
  const seen = settings?.do === 'apply' ? settings.object : undefined
  return {
    ...now,
    children: children.map(child =>
      child.metadata.name === 'orders-settings' && seen
        ? { ...child, ...seen, metadata: { ...child.metadata, ...seen.metadata } }
        : child,
    ),
  }
}

describe('a new version', () => {
  test('comes to the migration, and gateways are told nothing yet', () => {
    const world = { ...upAndRunning(one), owner: both }
    expect(stepsOf(world)).toEqual(['ConfigMap orders-settings'])
    expect([givenIn(world), isHeldBack(factsOf(world).target.settings)]).toEqual([['v1'], true])
  })

  test('comes to writers and readers when the migration is done, and to gateways not yet', () => {
    const world = inBetween('orders-gateway', 'orders-writer', 'orders-reader')
    expect(stepsOf(world)).toEqual(['Deployment orders-writer', 'Deployment orders-reader'])
    expect(givenIn(world)).toEqual(['v1'])
  })

  test.each(['orders-writer', 'orders-reader'])('waits while old pods of %s are there', name => {
    const world = inBetween('orders-gateway')
    const rolling = world.children.map(
      only('Deployment', name, child => ({ ...child, status: { ...child.status, updatedReplicas: 1 } })),
    )
    expect(stepsOf({ ...world, children: rolling.flatMap(child => child ?? []) })).toEqual([])
  })

  test('waits while no writer of the new version is ready', () => {
    const world = inBetween('orders-gateway')
    const rolling = world.children.map(
      only('Deployment', 'orders-writer', child => ({
        ...child,
        status: { ...child.status, readyReplicas: 0 },
      })),
    )
    expect(stepsOf({ ...world, children: rolling.flatMap(child => child ?? []) })).toEqual([])
  })

  test('comes to gateways when all writers and readers have it, with the day since when the old one is old', () => {
    const world = inBetween('orders-gateway')
    expect(stepsOf(world)).toEqual(['ConfigMap orders-settings', 'Deployment orders-gateway'])
    expect(givenIn(world)).toEqual([`v1 since ${Date.UTC(2026, 0, 1) / 1_000}`, 'v2'])
  })

  test('other changes do not wait for writers', () => {
    const world = inBetween('orders-gateway', 'orders-writer', 'orders-reader')
    const owner = {
      ...both,
      spec: { ...both.spec, gateway: { ...both.spec.gateway, maxBodyBytes: 1_048_576 } },
    }
    const steps = decide(factsOf({ ...world, owner })).steps
    const settings = steps.find(step => step.do === 'apply' && step.object.kind === 'ConfigMap')
    expect(JSON.stringify(settings)).toContain('1048576')
    expect(givenIn({ ...world, owner })).toEqual(['v1'])
  })
})

describe('taking a version back', () => {
  test('works as long as no gateway was given it', () => {
    const world = { ...inBetween('orders-gateway', 'orders-reader'), owner: one }
    expect(factsOf(world).verdict.kind).toBe('accepted')
    expect(isHeldBack(factsOf(world).target.settings)).toBe(false)
    expect(stepsOf(world)).toEqual(['ConfigMap orders-settings'])
  })

  test('is refused afterwards', () => {
    const { verdict } = factsOf({ ...upAndRunning(both), owner: one })
    expect(verdict).toMatchObject({ kind: 'refused', problems: [{ pointer: '/versions/1' }] })
  })
})

test('an operator that starts anew at each run rolls in the same order, and dates a version once', async () => {
  const rehearsal = await rehearse(one)
  await untilSettled(rehearsal)
  const { cluster, key } = rehearsal
  const { apiVersion, kind } = both
  const spec = { record: { versions: [v1, v2] } }
  await cluster.as('user').apply({ apiVersion, kind, metadata: key, spec })
  const before = cluster.writes.length
  await untilSettled(rehearsal)
  const order = cluster.writes
    .slice(before)
    .flatMap(({ verb, ref }) => (verb === 'apply' && ref.kind !== 'Job' ? [`${ref.kind} ${ref.name}`] : []))
  expect(order).toEqual([
    'ConfigMap orders-settings',
    'CronJob orders-maintain',
    'Deployment orders-writer',
    'Deployment orders-reader',
    'ConfigMap orders-settings',
    'Deployment orders-gateway',
  ])
  const again = cluster.writes.length
  await startedOn(rehearsal)()
  expect(cluster.writes.length).toBe(again)
})
