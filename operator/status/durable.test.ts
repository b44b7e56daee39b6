import { expect, test } from 'vitest'
import { dataService, withSpec } from '#operator/testing/data-service.ts'
import { pod } from '#operator/testing/pods.ts'
import { factsOf, upAndRunning } from '#operator/testing/world.ts'
import { durable } from './durable.ts'

const three = upAndRunning(dataService(withSpec({ kafka: { managed: { brokers: 3 } } })))

/** The brokers' pods on these nodes. */
const on = (...nodes: string[]) =>
  factsOf({
    ...three,
    pods: nodes.map((nodeName, id) => ({
      ...pod({ owner: 'kafka', name: `orders-kafka-${id}` }),
      spec: { nodeName },
    })),
  })

test.each([
  ['one broker', factsOf(upAndRunning(dataService())), 'False/SingleBroker'],
  ['three on three nodes', on('a', 'b', 'c'), 'True/Replicated'],
  ['two on one node', on('a', 'b', 'a'), 'False/BrokersShareNode'],
])('%s', (_, facts, verdict) => {
  const { status, reason } = durable(facts)
  expect(`${status}/${reason}`).toBe(verdict)
})

test('the node and its brokers are named', () => {
  expect(durable(on('a', 'b', 'a')).message).toContain('orders-kafka-0 and orders-kafka-2 run on node a')
})
