import { expect, test } from 'vitest'
import { progressText } from '#dataservice/contract/writer-progress.ts'
import type { ObservedChild } from '#operator/desired/target.ts'
import { inMemoryReadiness } from '#operator/pods/in-memory.ts'
import { dataService, withSpec } from '#operator/testing/data-service.ts'
import { pod } from '#operator/testing/pods.ts'
import { factsOf, only, upAndRunning } from '#operator/testing/world.ts'
import { inMemoryTopics } from '#operator/topics/in-memory.ts'
import { isFlushAsked, seenFlush } from './flush.ts'

const owner = dataService(withSpec({ kafka: { topic: { partitions: 3 } }, lifecycle: 'Hibernated' }))
const name = 'shop.orders.events'

function writer(number: number, phase = 'Running'): ObservedChild {
  const made = pod({ owner: 'writer', name: `orders-writer-${number}`, phase })
  return { ...made, status: { ...made.status, podIP: `10.0.0.${number}` } }
}

/** Writers by their number with what they say of their partitions. */
async function flush(
  ends: number[],
  told: Record<number, Record<number, bigint> | undefined>,
  phase?: string,
) {
  const topics = inMemoryTopics()
  topics.filled.set(name, ends)
  await topics.change({ servers: ['x'] }, [
    { change: 'create', topic: { name, partitions: 3, replicationFactor: 1, config: {} } },
  ])
  const readiness = inMemoryReadiness()
  for (const [number, stored] of Object.entries(told)) {
    if (stored === undefined) continue
    const positions = Object.entries(stored).map(
      ([partition, offset]) => [Number(partition), offset] as const,
    )
    readiness.stored.set(`10.0.0.${number}`, progressText({ stored: new Map(positions) }))
  }
  const pods = Object.keys(told).map(number => writer(Number(number), phase))
  return seenFlush(factsOf({ owner, pods }), { topics, readiness })
}

test.each<[string, number[], Record<number, Record<number, bigint> | undefined>, object[]]>([
  ['all is stored', [7, 0, 9], { 1: { 0: 7n }, 2: { 1: 0n, 2: 9n } }, []],
  ['a partition that nothing was written to needs no writer', [7, 0, 0], { 1: { 0: 7n } }, []],
  ['one record is missing', [7, 0, 9], { 1: { 0: 6n, 1: 0n, 2: 9n } }, [{ partition: 0, told: true }]],
  ['nobody has the partition', [7, 0, 9], { 1: { 0: 7n } }, [{ partition: 2, told: false }]],
  ['a writer does not answer', [7, 0, 0], { 1: undefined }, [{ partition: 0, told: false }]],
  ['one that lost the partition without noticing says less', [7, 0, 0], { 1: { 0: 3n }, 2: { 0: 7n } }, []],
  ['there is no writer', [7, 0, 0], {}, [{ partition: 0, told: false }]],
])('%s', async (_, ends, told, behind) => {
  expect(await flush(ends, told)).toEqual({ kind: 'seen', behind })
})

test('a topic that is missing does not pass for an empty one', async () => {
  const ports = { topics: inMemoryTopics(), readiness: inMemoryReadiness() }
  expect(await seenFlush(factsOf({ owner }), ports)).toEqual({
    kind: 'unreachable',
    message: 'topic shop.orders.events is missing',
  })
})

test('a writer that does not run is not asked', async () => {
  expect(await flush([1, 0, 0], { 1: { 0: 1n } }, 'Pending')).toMatchObject({ behind: [{ partition: 0 }] })
})

test('nothing is asked of a service that runs, nor while a gateway pod is there', () => {
  const away = only('Deployment', 'orders-gateway', child => ({
    ...child,
    spec: { ...child.spec, replicas: 0 },
    status: { replicas: 0, observedGeneration: 1 },
  }))
  const ending = [pod({ owner: 'gateway', name: 'orders-gateway-x', deleted: true })]
  expect(isFlushAsked(factsOf({ ...upAndRunning(owner, away) }))).toBe(true)
  expect(isFlushAsked(factsOf({ ...upAndRunning(owner, away), pods: ending }))).toBe(false)
  expect(isFlushAsked(factsOf(upAndRunning(owner)))).toBe(false)
  expect(isFlushAsked(factsOf(upAndRunning(dataService(), away)))).toBe(false)
})

test.each<[string, (number | undefined)[], object[]]>([
  ['all of it, when no writer has records waiting', [0, 0], []],
  ['not yet, while one has', [0, 3], [{ partition: 1, told: true }]],
  ['not yet, while one does not know', [0, undefined], [{ partition: 1, told: true }]],
  ['not yet, while nobody has a partition', [0], [{ partition: 1, told: false }]],
])('of a log of others the writers tell what is stored: %s', async (_, waiting, behind) => {
  const external = { bootstrapServers: ['kafka.test:9093'] }
  const service = dataService(
    withSpec({ kafka: { external, topic: { partitions: 2 } }, lifecycle: 'Hibernated' }),
  )
  const readiness = inMemoryReadiness()
  const figures = { arrived: 0, storing: 0, waitingSeconds: 0, commitSeconds: 0, busy: 0 }
  for (const [partition, records] of waiting.entries()) {
    const load = records === undefined ? {} : { load: { ...figures, waiting: records } }
    readiness.stored.set(`10.0.0.${partition}`, progressText({ stored: new Map([[partition, 7n]]), ...load }))
  }
  const pods = [...waiting.keys()].map(number => writer(number))
  expect(await seenFlush(factsOf({ owner: service, pods }), { topics: inMemoryTopics(), readiness })).toEqual(
    {
      kind: 'seen',
      behind,
    },
  )
})
