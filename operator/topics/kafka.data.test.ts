import { randomUUID } from 'node:crypto'
import { Kafka, logLevel } from 'kafkajs'
import { expect, onTestFinished, test } from 'vitest'
import { engines } from '#e2e/engines/inject.ts'
import { kafkaTopics } from './kafka.ts'
import { TopicsUnavailable } from './port.ts'
import { topicsContract } from './topics.contract.ts'

topicsContract(() => ({
  port: kafkaTopics(),
  log: { servers: engines().kafka.bootstrapServers },
  prefix: `t${randomUUID()}.x`,
}))

test('a broker that is away is said within seconds, by its address', async () => {
  const call = kafkaTopics().describe({ servers: ['127.0.0.1:1'] }, ['any'])
  await expect(call).rejects.toBeInstanceOf(TopicsUnavailable)
  await expect(call).rejects.toThrow(/127\.0\.0\.1:1/)
})

test('what the group has not passed is as old as its oldest record, in tenths of the retention', async () => {
  const servers = engines().kafka.bootstrapServers
  const log = { servers }
  const topic = `t${randomUUID()}.events`
  const group = `${topic}.writer`
  const retentionMs = 3_600_000
  const port = kafkaTopics()
  const made = { name: topic, partitions: 3, replicationFactor: 1, config: {} }
  await port.change(log, [{ change: 'create', topic: made }])
  const kafka = new Kafka({ brokers: [...servers], logLevel: logLevel.NOTHING })
  const [producer, admin] = [kafka.producer(), kafka.admin()]
  await Promise.all([producer.connect(), admin.connect()])
  onTestFinished(async () => void (await Promise.all([producer.disconnect(), admin.disconnect()])))
  const append = (partition: number, ageShare: number) => {
    const timestamp = String(Date.now() - Math.round(retentionMs * ageShare))
    return producer.send({ topic, messages: [{ partition, timestamp, value: 'x' }] })
  }
  const passed = (partition: number, offset: number) =>
    admin.setOffsets({ groupId: group, topic, partitions: [{ partition, offset: String(offset) }] })
  const tenths = async () => (await port.room(log, { topic, group, retentionMs })).lagTenths

  await append(0, 0.4)
  expect(await tenths()).toBe(0) // younger than a half
  await append(1, 0.65)
  await append(1, 0.1)
  expect(await tenths()).toBe(6) // a group that told no position has passed nothing
  await passed(1, 1)
  expect(await tenths()).toBe(0)
  await append(2, 2)
  expect(await tenths()).toBe(10)
  expect([...(await port.ends(log, topic)).values()].sort()).toEqual([1n, 1n, 2n])
  await passed(2, 1)
  expect(await tenths()).toBe(0)
})

test('brokers that ask nobody for rights say so', async () => {
  expect(await kafkaTopics().access({ servers: engines().kafka.bootstrapServers }, '')).toBeUndefined()
})
