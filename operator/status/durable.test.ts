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

const runBy = (kafka: object) => factsOf(upAndRunning(dataService(withSpec({ kafka }))))
const strimzi = (replicationFactor: number) =>
  runBy({ strimzi: { cluster: 'main', listener: { port: 9093, tls: true }, replicationFactor } })
const external = (replicationFactor: number, topics: string) =>
  runBy({ external: { bootstrapServers: ['kafka.shop:9092'], topics, replicationFactor } })

test.each([
  ['Strimzi, three copies', strimzi(3), 'Unknown/External', 'others run Kafka'],
  ['Strimzi, one copy', strimzi(1), 'False/SingleBroker', 'kafka.strimzi.replicationFactor is 1'],
  [
    'others, topics that we make, three copies',
    external(3, 'Create'),
    'Unknown/External',
    'others run Kafka',
  ],
  [
    'others, topics that we make, two copies',
    external(2, 'Create'),
    'False/SingleBroker',
    'kafka.external.replicationFactor is 2',
  ],
  ['others, topics that they made', external(1, 'Given'), 'Unknown/External', 'others run Kafka'],
])('%s', (_, facts, verdict, told) => {
  const { status, reason, message } = durable(facts)
  expect(`${status}/${reason}`).toBe(verdict)
  expect(message).toContain(told)
})

test('the node and its brokers are named', () => {
  expect(durable(on('a', 'b', 'a')).message).toContain('orders-kafka-0 and orders-kafka-2 run on node a')
})
