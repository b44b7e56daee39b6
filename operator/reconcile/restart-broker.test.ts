import { describe, expect, test } from 'vitest'
import type { ObservedChild } from '#operator/desired/target.ts'
import { dataService, withSpec } from '#operator/testing/data-service.ts'
import { factsOf, only, upAndRunning } from '#operator/testing/world.ts'
import { decide } from './decide.ts'
import type { LogFacts } from './facts.ts'
import { outcomeOf } from './outcome-of.ts'
import { brokerToRestart, haveTaken, logAddress } from './restart-broker.ts'

/** State of one broker: its revision, and whether it is ready or going. */
interface Broker {
  revision: 'old' | 'new'
  ready?: boolean
  going?: boolean
}
const old: Broker = { revision: 'old' }
const done: Broker = { revision: 'new' }

interface Situation {
  brokers: readonly Broker[]
  log?: LogFacts
  generation?: number
}

function pod({ revision, ready = true, going = false }: Broker, ordinal: number): ObservedChild {
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: {
      name: `orders-kafka-${ordinal}`,
      namespace: 'shop',
      uid: `uid-${ordinal}`,
      labels: { 'app.kubernetes.io/component': 'kafka', 'controller-revision-hash': revision },
      ...(going ? { deletionTimestamp: '2026-01-01T00:00:00Z' } : {}),
    },
    status: { conditions: [{ type: 'Ready', status: ready ? 'True' : 'False' }] },
  }
}

const seen = (controller: number, ...lacking: string[]): LogFacts => ({
  kind: 'seen',
  health: { lacking, thin: [], misled: 0, controller, voters: 3 },
})

function world({ brokers, log = seen(0), generation = 1 }: Situation, count: 1 | 3 = 3) {
  const owner = dataService(withSpec({ kafka: { managed: { brokers: count } } }))
  const status = { updateRevision: 'new' }
  const running = upAndRunning(
    owner,
    only('StatefulSet', 'orders-kafka', child => ({
      ...child,
      metadata: { ...child.metadata, generation },
      status: { ...child.status, ...status },
    })),
  )
  return factsOf({ ...running, pods: brokers.map(pod), log })
}

const removed = (situation: Situation, count?: 1 | 3): string[] =>
  decide(world(situation, count)).steps.flatMap(step =>
    step.do === 'remove' ? [`${step.name} ${step.uid}`] : [],
  )

describe('which broker is restarted next', () => {
  const rows: [string, Situation, string[]][] = [
    ['none when all are of the newest revision', { brokers: [done, done, done] }, []],
    ['the highest first', { brokers: [old, old, old] }, ['orders-kafka-2 uid-2']],
    ['the next one when that is done', { brokers: [old, old, done] }, ['orders-kafka-1 uid-1']],
    ['the active controller last', { brokers: [old, old, old], log: seen(2) }, ['orders-kafka-1 uid-1']],
    [
      'the active controller when it alone is left',
      { brokers: [done, old, done], log: seen(1) },
      ['orders-kafka-1 uid-1'],
    ],
    ['none while a partition lacks a replica', { brokers: [old, old, old], log: seen(0, 'x.events/3') }, []],
    [
      'none while Kafka cannot be asked',
      { brokers: [old, old, old], log: { kind: 'unreachable', message: 'x' } },
      [],
    ],
    ['none while another is away', { brokers: [old, { ...done, ready: false }, old] }, []],
    ['none while another is going', { brokers: [old, old, { ...done, going: true }] }, []],
    ['none while one is missing', { brokers: [old, old] }, []],
    ['none while the StatefulSet has not been looked at', { brokers: [old, old, old], generation: 2 }, []],
    [
      'one that does not work, whatever Kafka says',
      { brokers: [old, { ...old, ready: false }, old], log: { kind: 'unreachable', message: 'x' } },
      ['orders-kafka-1 uid-1'],
    ],
    [
      'one at a time when none works',
      { brokers: [old, old, old].map(each => ({ ...each, ready: false })) },
      ['orders-kafka-2 uid-2'],
    ],
    [
      'the next one when none works, the new one included, which finds nobody to begin with',
      { brokers: [old, old, done].map(each => ({ ...each, ready: false })) },
      ['orders-kafka-1 uid-1'],
    ],
    [
      'none of two that do not work while one of them is new',
      { brokers: [old, { ...old, ready: false }, { ...done, ready: false }] },
      [],
    ],
  ]
  test.each(rows)('%s', (_name, situation, wanted) => {
    expect(removed(situation)).toEqual(wanted)
  })

  test.each<[string, readonly Broker[], number[]]>([
    ['those that are ready', [old, { ...old, ready: false }, done], [0, 2]],
    ['none that is going', [{ ...old, going: true }, old, old], [1, 2]],
    ['all while none is ready', [], [0, 1, 2]],
  ])('who is asked about the log: %s', (_name, brokers, asked) => {
    const addresses = asked.map(ordinal => `orders-kafka-${ordinal}.orders-kafka.shop.svc:9092`)
    expect(logAddress(world({ brokers }))).toEqual({ servers: addresses })
  })

  test('a lone broker is left to its StatefulSet', () => {
    expect(removed({ brokers: [old] }, 1)).toEqual([])
  })

  test('the loop comes back soon while brokers wait, and not otherwise', () => {
    const outcome = (situation: Situation) => {
      const facts = world(situation)
      return outcomeOf(decide(facts), { failures: [], written: 0 }, facts)
    }
    expect(outcome({ brokers: [old, old, old], log: seen(0, 'x/1') })).toMatchObject({
      kind: 'waiting',
      reason: 'BrokersRestarting',
    })
    expect(outcome({ brokers: [done, done, done] })).toMatchObject({ kind: 'settled' })
  })
})

describe('brokers have taken certificates', () => {
  const has = (told: Record<string, string> | undefined, brokers: readonly Broker[], generation = 1) => {
    const facts = world({ brokers, generation })
    const children = facts.children.map(child =>
      child.metadata.name === 'orders-kafka' && child.kind === 'StatefulSet'
        ? {
            ...child,
            metadata: { ...child.metadata, annotations: { ...child.metadata.annotations, ...told } },
          }
        : child,
    )
    return haveTaken(2, { ...facts, children })
  }
  const second = { 'dataservice.dev/issue': '2' }
  const all = [done, done, done]

  test('when all were restarted for them', () => expect(has(second, all)).toBe(true))
  test.each<[string, Parameters<typeof has>]>([
    ['one is of before', [second, [old, done, done]]],
    ['the StatefulSet was not asked to restart them', [undefined, all]],
    ['its controller has not seen that it was', [second, all, 2]],
  ])('not while %s', (_, situation) => expect(has(...situation)).toBe(false))
  test('when none has to be restarted', () => {
    expect(haveTaken(2, world({ brokers: [old] }, 1))).toBe(true)
  })
})

describe('while records get stuck', () => {
  const at = (brokers: ('old' | 'new')[], since?: string) => {
    const facts = world({ brokers: brokers.map(revision => ({ revision })) })
    const said = { type: 'EndToEndReady', status: 'False', reason: 'StuckAtKafka', message: '' } as const
    const conditions =
      since === undefined ? [] : [{ ...said, observedGeneration: 1, lastTransitionTime: since }]
    const pods = facts.pods.map(pod => ({
      ...pod,
      metadata: { ...pod.metadata, creationTimestamp: '2026-01-01T12:00:00Z' },
    }))
    return brokerToRestart({
      ...facts,
      pods,
      owner: { ...facts.owner, status: { ...facts.owner.status, conditions } },
      endToEnd: { kind: 'told', told: { brokenAt: 'kafka' } },
    }).map(({ metadata }) => metadata.name)
  }

  test('the first broker is restarted: that may be what mends it', () => {
    expect(at(['old', 'old', 'old'])).toEqual(['orders-kafka-2'])
  })
  test('no further one is when that was fine before the first restart', () => {
    expect(at(['old', 'old', 'new'])).toEqual([])
    expect(at(['old', 'old', 'new'], '2026-01-01T12:00:30Z')).toEqual([])
  })
  test('the others follow when records were stuck before', () => {
    expect(at(['old', 'old', 'new'], '2026-01-01T11:00:00Z')).toEqual(['orders-kafka-1'])
  })
})
