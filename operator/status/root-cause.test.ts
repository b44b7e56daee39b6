import { expect, test } from 'vitest'
import { decide } from '#operator/reconcile/decide.ts'
import { dataService } from '#operator/testing/data-service.ts'
import { ended, type PodStory, pod, waiting } from '#operator/testing/pods.ts'
import { factsOf, upAndRunning, type World } from '#operator/testing/world.ts'
import { deriveStatus } from './derive.ts'

/** All is up but these workloads, of whose pods so many are ready. */
function withReady(ready: Readonly<Record<string, number>>, ...stories: PodStory[]): World {
  const world = upAndRunning(dataService(), child => {
    const readyReplicas = child.kind === 'Service' ? undefined : ready[child.metadata.name]
    return readyReplicas === undefined ? child : { ...child, status: { ...child.status, readyReplicas } }
  })
  return { ...world, pods: stories.map(pod) }
}

function conditionsOf(world: World) {
  const facts = factsOf(world)
  const { conditions = [] } = deriveStatus({
    facts,
    plan: decide(facts),
    result: { failures: [], written: 0 },
    now: new Date(0),
    progress: { kind: 'reached' },
  })
  return (type: string) => {
    const { status, reason, message } = conditions.find(each => each.type === type) ?? {}
    return { verdict: `${status}/${reason}`, message }
  }
}

const crashing = {
  ...waiting('CrashLoopBackOff'),
  lastState: ended(1, 'Error', 'no answer'),
  restartCount: 3,
}
const crashed = (owner: 'writer' | 'reader' | 'gateway'): PodStory => ({
  owner,
  name: `orders-${owner}-a`,
  container: crashing,
})
const noRoom = '0/1 nodes are available: 1 Insufficient memory. preemption: 0/1 nodes are available: 1 none.'
const noRoomFor = (owner: 'kafka' | 'redis'): PodStory => ({
  owner,
  name: `orders-${owner}-0`,
  notScheduled: noRoom,
})

test('a broker without a node explains what crashes for want of Kafka', () => {
  const told = conditionsOf(
    withReady(
      { 'orders-kafka': 0, 'orders-writer': 0, 'orders-gateway': 0 },
      noRoomFor('kafka'),
      crashed('writer'),
      crashed('gateway'),
    ),
  )
  expect(told('Ready')).toEqual({
    verdict: 'False/KafkaBrokerUnschedulable',
    message:
      'LogReady: pod orders-kafka-0 fits on no node: 0/1 nodes are available: 1 Insufficient memory. To give it room, ' +
      'lower spec.kafka.managed.resources.requests.memory or add a node with more memory. ' +
      'From this follows WriterReady, GatewayReady',
  })
  expect(told('WriterReady').message).toMatch(/^follows from LogReady: pod orders-writer-a: /)
})

test('Postgres that is away explains readers that crash, although nobody has to act on it yet', () => {
  const told = conditionsOf(withReady({ 'orders-postgres': 0, 'orders-reader': 0 }, crashed('reader')))
  expect(told('Ready')).toEqual({
    verdict: 'False/PodsNotReady',
    message:
      'DatabaseReady: StatefulSet orders-postgres: 0 of 1 pods ready; kubectl -n shop describe pod orders-postgres-0 tells why',
  })
})

test('one that crashes by itself is told before what only comes up', () => {
  const told = conditionsOf(withReady({ 'orders-redis': 0, 'orders-gateway': 1 }, crashed('gateway')))
  expect(told('Ready').verdict).toBe('False/GatewayCrashing')
})

test('a missing image has its cause in itself, and comes before what passes', () => {
  const image = { owner: 'writer', name: 'orders-writer-a', container: waiting('ErrImagePull') } as const
  const told = conditionsOf(withReady({ 'orders-kafka': 0, 'orders-writer': 0 }, noRoomFor('kafka'), image))
  expect(told('Ready').verdict).toBe('False/WriterImageMissing')
  expect(told('Stalled').verdict).toBe('True/WriterImageMissing')
  expect(told('WriterReady').message).not.toContain('follows from')
})

test('an engine that still answers explains nothing', () => {
  const told = conditionsOf(
    withReady({ 'orders-redis': 0, 'orders-reader': 0 }, noRoomFor('redis'), crashed('reader')),
  )
  expect(told('Ready').verdict).toBe('False/RedisUnschedulable')
  expect(told('ReaderReady').message).not.toContain('follows from')
})
