/** A consumer of a Kafka that Strimzi runs: what its KafkaUser asks for is enough, and no more than that. */
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import kafkajs from 'kafkajs'
import { beforeAll, expect, onTestFinished, test } from 'vitest'
import { testCertificates } from '#e2e/engines/certificates.ts'
import { type Kafka, startKafka } from '#e2e/engines/kafka.ts'
import { dataService, withSpec } from '#operator/testing/data-service.ts'
import { targetOf } from '#operator/testing/target.ts'
import { playStrimzi } from './play-strimzi.ts'
import { settledIn } from './settled.ts'

const user = { username: 'orders-consumer-billing', password: 'of-billing' }
const quiet = { logLevel: kafkajs.logLevel.NOTHING, retry: { retries: 2 } }
const target = targetOf(
  dataService(
    withSpec({
      kafka: { strimzi: { cluster: 'main', replicationFactor: 1 }, topic: { partitions: 1 } },
      consumers: [{ name: 'billing' }],
    }),
  ),
)
let kafka: Kafka
let asConsumer: kafkajs.Kafka
let asOperator: kafkajs.Kafka
beforeAll(async () => {
  const certificates = await testCertificates()
  const ca = await readFile(join(certificates.engines, 'ca.crt'), 'utf8')
  kafka = await startKafka({
    brokers: 1,
    tlsFrom: certificates.engines,
    users: { [user.username]: user.password },
  })
  asOperator = new kafkajs.Kafka({ ...quiet, brokers: kafka.bootstrapServers })
  const admin = asOperator.admin()
  await admin.connect()
  await playStrimzi(target, admin)
  await admin.disconnect()
  const sasl = { mechanism: 'scram-sha-512' as const, ...user }
  asConsumer = new kafkajs.Kafka({ ...quiet, brokers: kafka.loginServers, sasl, ssl: { ca: [ca] } })
  return async () => {
    await kafka.remove()
    await certificates.remove()
  }
}, 120_000)

test('it reads what its Secret names in a group of its own', async () => {
  const producer = asOperator.producer()
  await producer.connect()
  onTestFinished(() => producer.disconnect())
  await producer.send({ topic: 'shop.orders.events', messages: [{ value: 'first' }] })
  const consumer = asConsumer.consumer({ groupId: 'shop.orders.billing.main' })
  onTestFinished(() => consumer.disconnect())
  const values: string[] = []
  await consumer.connect()
  await consumer.subscribe({ topics: ['shop.orders.events'], fromBeginning: true })
  await consumer.run({ eachMessage: async ({ message }) => void values.push(String(message.value)) })
  await settledIn(30_000, async () => expect(values).toEqual(['first']))
}, 60_000)

test('it sees no other topic, no other group, and writes nothing', async () => {
  const admin = asConsumer.admin()
  await admin.connect()
  onTestFinished(() => admin.disconnect())
  expect((await admin.listTopics()).toSorted()).toEqual(['shop.orders.dead-letters', 'shop.orders.events'])
  await expect(
    admin.fetchOffsets({ groupId: 'shop.orders.writer', topics: ['shop.orders.events'] }),
  ).rejects.toThrow(/not authorized|coordinator/i)
  const producer = asConsumer.producer()
  await producer.connect()
  onTestFinished(() => producer.disconnect())
  await expect(
    producer.send({ topic: 'shop.orders.events', messages: [{ value: 'forged' }] }),
  ).rejects.toThrow(/not authorized/i)
})
