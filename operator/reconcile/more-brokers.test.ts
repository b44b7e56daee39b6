import { describe, expect, test } from 'vitest'
import { annotationKeys } from '#operator/desired/labels.ts'
import type { ObservedChild } from '#operator/desired/target.ts'
import { dataService, withSpec } from '#operator/testing/data-service.ts'
import { factsOf, only, upAndRunning, type World } from '#operator/testing/world.ts'
import type { LogHealth } from '#operator/topics/port.ts'
import { decide } from './decide.ts'
import { growing, replicateSteps } from './more-brokers.ts'

const owner = dataService(withSpec({ kafka: { managed: { brokers: 3 } } }))
const events = 'shop.orders.events'
const onOne = (topic: string, partition: number) => ({ topic, partition, replicas: [0] })
const whole: LogHealth = { lacking: [], thin: [], misled: 0, controller: 0, voters: 3 }

interface Growth {
  /** Pods that are ready. */
  ready: number
  health?: Partial<LogHealth>
  /** What the identity Secret says. */
  held?: string
  inSync?: number
  fewest?: string
  /** All pods are of the newest revision, as after a sleep. */
  renewed?: boolean
}

/** A service that was declared with three brokers when it had one. */
function growth({ ready, health, held = '1', inSync = 1, fewest = '1', renewed = false }: Growth) {
  const running = upAndRunning(
    owner,
    only('StatefulSet', 'orders-kafka', child => ({
      ...child,
      status: {
        ...child.status,
        readyReplicas: ready,
        updatedReplicas: renewed ? 3 : 2,
        updateRevision: 'new',
      },
    })),
  )
  const world: World = {
    ...running,
    marks: {
      'orders-identity': {
        [annotationKeys.initialised]: 'kafka,postgres',
        [annotationKeys.heldBrokers]: held,
      },
    },
    pods: [0, 1, 2].map(id => broker(id, { isReady: id < ready, isNew: renewed || id > 0 })),
    topics: {
      ...running.topics,
      topics: running.topics.topics.map(topic => ({
        ...topic,
        inSync,
        config: { ...topic.config, 'min.insync.replicas': fewest },
      })),
    },
    ...(health && { log: { kind: 'seen' as const, health: { ...whole, ...health } } }),
  }
  return factsOf(world)
}

function broker(id: number, { isReady, isNew }: { isReady: boolean; isNew: boolean }): ObservedChild {
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: {
      name: `orders-kafka-${id}`,
      namespace: 'shop',
      uid: `uid-${id}`,
      labels: {
        'app.kubernetes.io/component': 'kafka',
        'controller-revision-hash': isNew ? 'new' : 'old',
      },
    },
    status: { conditions: [{ type: 'Ready', status: isReady ? 'True' : 'False' }] },
  }
}

const placed = (facts: ReturnType<typeof growth>) =>
  replicateSteps(facts).flatMap(step =>
    step.do === 'replicate' ? step.partitions.map(each => each.replicas.join()) : [],
  )
const thin = [onOne(events, 0), onOne(events, 1), onOne('__consumer_offsets', 5)]

test('every partition gets a replica on each broker, and leaders spread', () => {
  expect(placed(growth({ ready: 3, health: { thin } }))).toEqual(['0,1,2', '1,2,0', '2,0,1'])
})

test.each<[string, Growth]>([
  ['before all brokers are ready', { ready: 2, health: { thin } }],
  ['while others are being copied', { ready: 3, health: { thin, lacking: [`${events}/4`] } }],
  ['before Kafka was asked', { ready: 3 }],
  [
    'where the log was made with three: a topic of somebody else may have one',
    { ready: 3, held: '3', health: { thin } },
  ],
])('nothing is placed %s', (_, situation) => {
  expect(placed(growth(situation))).toEqual([])
})

describe('when all pods are of the newest revision, as after a sleep', () => {
  const renewed = (situation: Omit<Growth, 'ready'>) => growth({ ready: 3, renewed: true, ...situation })
  const held = (situation: Omit<Growth, 'ready'>): number =>
    renewed(situation).target.initialisation.heldBrokers

  test('the log still grows: partitions are placed', () => {
    expect(placed(renewed({ health: { thin } }))).toEqual(['0,1,2', '1,2,0', '2,0,1'])
    expect(growing(renewed({ health: { thin } }))).toContain('from 1 to 3 brokers')
  })

  test.each<[string, Partial<LogHealth> | undefined, number]>([
    ['Kafka was not asked', undefined, 1],
    ['a partition is on one alone', { thin }, 1],
    ['a partition is being copied', { lacking: [`${events}/0`] }, 1],
    ['a controller does not vote', { voters: 2 }, 1],
    ['all have everything', {}, 3],
  ])('who holds data when %s', (_, health, brokers) => {
    expect(held({ ...(health && { health }) })).toBe(brokers)
  })
})

test('leaders are elected when all partitions are where they should be', () => {
  const steps = (health: Partial<LogHealth>) =>
    replicateSteps(growth({ ready: 3, health })).map(step => step.do)
  expect(steps({ misled: 4 })).toEqual(['elect'])
  expect(steps({ misled: 4, lacking: ['a/1'] })).toEqual([])
  expect(steps({ misled: 4, thin })).toEqual(['replicate'])
  expect(steps({})).toEqual([])
})

test('a large log is copied by and by', () => {
  const many = Array.from({ length: 100 }, (_, partition) => onOne(events, partition))
  expect(placed(growth({ ready: 3, health: { thin: many } }))).toHaveLength(32)
})

const restarted = (situation: Growth): string[] =>
  decide(growth(situation)).steps.flatMap(step => (step.do === 'remove' ? [step.name] : []))

test.each<[string, Partial<LogHealth>]>([
  ['a partition is on it alone', { thin }],
  ['a partition is being copied', { lacking: [`${events}/0`] }],
  ['it leads what others should lead', { misled: 4 }],
  ['a new controller does not vote yet', { voters: 2 }],
])('the first broker is not restarted while %s', (_, health) => {
  expect(restarted({ ready: 3, health })).toEqual([])
})

test('the first broker is restarted when the others have everything', () => {
  expect(restarted({ ready: 3, health: {}, inSync: 3, fewest: '2' })).toEqual(['orders-kafka-0'])
})

const asked = (situation: Growth): string[] =>
  decide(growth(situation)).steps.flatMap(step =>
    step.do === 'topics'
      ? step.changes.map(each =>
          each.change === 'configure' ? `${each.config['min.insync.replicas']}` : each.change,
        )
      : [],
  )

test('a topic asks for two replicas when it has three', () => {
  expect(asked({ ready: 3, health: { thin } })).toEqual([])
  expect(asked({ ready: 3, health: {}, inSync: 2 })).toEqual([])
  expect(asked({ ready: 3, health: {}, inSync: 3 })).toEqual(['2', '2', '2'])
})

test('a topic that asked for two goes on doing so while a broker is away', () => {
  expect(asked({ ready: 2, held: '3', inSync: 2, fewest: '2' })).toEqual([])
})

test.each<[string, Growth, RegExp | undefined]>([
  ['brokers that start', { ready: 1 }, /from 1 to 3 brokers: the new ones are starting/],
  ['partitions on one broker', { ready: 3, health: { thin } }, /not on all of them yet: fewer than 10/],
  ['partitions that are copied', { ready: 3, health: { lacking: ['a/1'] } }, /being copied/],
  ['leaders', { ready: 3, health: { misled: 1 } }, /gives leaderships to the others/],
  ['controllers', { ready: 3, health: { voters: 2 } }, /2 of 3 controllers vote/],
  ['the last restart', { ready: 3, health: {} }, /the first one is restarted last/],
  ['a log that has grown', { ready: 3, held: '3', health: {} }, undefined],
])('it is told where it is: %s', (_, situation, says) => {
  const told = growing(growth(situation))
  if (says === undefined) expect(told).toBeUndefined()
  else expect(told).toMatch(says)
})
