import { describe, expect, test } from 'vitest'
import type { ObservedChild } from '#operator/desired/target.ts'
import { dataService, withSpec } from '#operator/testing/data-service.ts'
import { rehearse, startedOn, untilSettled } from '#operator/testing/rehearsal.ts'
import { factsOf, upAndRunning, type World } from '#operator/testing/world.ts'
import type { RoomFacts } from './facts.ts'
import { gatesOf } from './gates.ts'
import type { Outcome } from './outcome.ts'
import type { Step } from './plan.ts'
import { type Run, rests } from './rests.ts'

const longestMs = 600_000

/** As the API server stores it. */
const stored = (child: ObservedChild): ObservedChild => versioned(child, '1')

function versioned(child: ObservedChild, resourceVersion: string): ObservedChild {
  const known = { uid: `uid-of-${child.kind}-${child.metadata.name}`, resourceVersion }
  return { ...child, metadata: { ...child.metadata, ...known } }
}
const room = (usableBytes: number): RoomFacts => ({
  kind: 'seen',
  room: { lagTenths: 0, disks: [{ broker: 0, totalBytes: 1_000, usableBytes }] },
})
const world = (): World => ({
  ...upAndRunning(dataService(), stored),
  room: room(900),
  endToEnd: { kind: 'told', told: { quickestMs: 20, passedAgoMs: 900 } },
})

const outcome: Outcome = { kind: 'settled', recheckMs: 45_000 }
const step: Step = { do: 'remove', kind: 'Job', namespace: 'shop', name: 'orders-migrate', uid: 'uid' }
const nothingToDo: Run = {
  plan: { held: false, gates: gatesOf(factsOf(world())), steps: [], kept: [], isWhole: true, contested: [] },
  result: { failures: [], written: 0 },
  outcome,
}
function noted(run: Run = nothingToDo, of: World = world()) {
  let time = 0
  const kept = rests(() => time, longestMs)
  kept.note(factsOf(of), run)
  return {
    kept,
    again: (next: World = of) => kept.outcome(factsOf(next)),
    pass: (milliseconds: number) => {
      time += milliseconds
    },
  }
}

/** One child with another version; what it says does not matter. */
const touched = ({ children = [], ...rest }: World): World => ({
  ...rest,
  children: children.map((child, index) => (index === 3 ? versioned(child, '2') : child)),
})

describe('what left nothing to do', () => {
  test('is answered again while all that is known is the same', () => {
    const { again, pass } = noted()
    expect(again(world())).toEqual(outcome)
    pass(longestMs - 1)
    expect(again(world())).toEqual(outcome)
    pass(1)
    expect(again(world())).toBeUndefined()
  })

  test('is answered again when only figures moved', () => {
    const { again } = noted()
    const told = { kind: 'told', told: { quickestMs: 31, passedAgoMs: 12 } } as const
    expect(again({ ...world(), room: room(899), endToEnd: told })).toEqual(outcome)
  })

  test('is forgotten with its DataService', () => {
    const { kept, again } = noted()
    kept.forget('shop/orders')
    expect(again()).toBeUndefined()
  })

  const changes: Record<string, (before: World) => World> = {
    'the DataService': before => ({ ...before, owner: dataService(withSpec({ replicas: 7 })) }),
    'its version': ({ owner, ...rest }) => ({
      ...rest,
      owner: { ...owner, metadata: { ...owner.metadata, resourceVersion: 'another' } },
    }),
    'its class': before => ({ ...before, choice: { kind: 'class', name: 'small', spec: {}, rivals: [] } }),
    'a child': touched,
    'a child that is gone': ({ children = [], ...rest }) => ({ ...rest, children: children.slice(1) }),
    'a pod': before => ({
      ...before,
      pods: [
        {
          apiVersion: 'v1',
          kind: 'Pod',
          metadata: { namespace: 'shop', name: 'orders-kafka-0', labels: {} },
        },
      ],
    }),
    'a Secret that is gone': before => ({ ...before, secrets: ['orders-identity'] }),
    'a mark of a Secret': before => ({ ...before, marks: { 'orders-credentials': { some: 'mark' } } }),
    'a topic that is gone': before => ({ ...before, topics: { kind: 'described', topics: [] } }),
    'brokers that do not answer': before => ({ ...before, topics: { kind: 'unreachable', message: 'away' } }),
    'a disk that is nearly full': before => ({ ...before, room: room(50) }),
    'probe records that get stuck': before => ({
      ...before,
      endToEnd: { kind: 'told', told: { brokenAt: 'writer' } },
    }),
    'a store of backups': before => ({ ...before, mirror: { reason: 'StoreRefused', text: 'no keys' } }),
  }
  test.each(Object.keys(changes))('is decided anew after a change of %s', name => {
    const { again } = noted()
    expect(again(changes[name]?.(world()))).toBeUndefined()
  })
})

test.each<[string, Partial<World>, Partial<Run>]>([
  ['waits', {}, { outcome: { kind: 'waiting', reason: 'TopicsPending', recheckMs: 2_000 } }],
  ['looks again soon', {}, { outcome: { kind: 'settled', recheckMs: 10_000 } }],
  ['is held by an annotation', {}, { plan: { ...nothingToDo.plan, held: true } }],
  ['wrote something', {}, { plan: { ...nothingToDo.plan, steps: [step] } }],
  ['keeps something for its turn', {}, { plan: { ...nothingToDo.plan, kept: [step] } }],
  [
    'left something to others',
    {},
    {
      plan: {
        ...nothingToDo.plan,
        contested: [{ kind: 'Service', name: 'orders-gateway', fields: ['spec.selector'] }],
      },
    },
  ],
  ['could not write', {}, { result: { failures: [{ cause: 'retry', message: 'away' }], written: 0 } }],
  ['waits for its turn', { stand: 'due' }, {}],
])('a run that %s is decided anew', (_, more, run) => {
  const { again } = noted({ ...nothingToDo, ...run }, { ...world(), ...more })
  expect(again()).toBeUndefined()
})

test('an operator at rest puts back what others change, and rests again', async () => {
  const rehearsal = await rehearse(dataService())
  const { cluster, key } = rehearsal
  await untilSettled(rehearsal)
  const run = startedOn(rehearsal)
  const rested = [await run(), await run()]
  expect(rested[1]).toBe(rested[0]) // the very same: nothing was decided
  const config = { kind: 'ConfigMap', namespace: key.namespace, name: 'orders-settings' } as const
  const uid = (await cluster.get(config))?.metadata.uid ?? ''
  await cluster.as('user').remove(config, { uid, propagation: 'Background' })
  const before = cluster.writes.length
  await run()
  expect(cluster.writes.length).toBeGreaterThan(before)
  expect(await cluster.get(config)).toBeDefined()
})
