/** The gateway process over a real broker whose log nobody reads, with a retention of seconds in its settings. */
import { request } from 'undici'
import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest'
import { createConsumer } from '#dataservice/platform/kafka/consumer.ts'
import { Recorder } from '#dataservice/platform/kafka/testing/recorder.ts'
import { connectTopics, type Topics, until } from '#dataservice/platform/kafka/testing/topics.ts'
import { startRole } from '#dataservice/testing/role-process.ts'
import { type Kafka, startKafka } from '#e2e/engines/kafka.ts'
import { noStore, testSettings } from '#e2e/engines/service-settings.ts'

let kafka: Kafka
let topics: Topics
beforeAll(async () => {
  kafka = await startKafka({ brokers: 1 })
  topics = await connectTopics(kafka.bootstrapServers)
})
afterAll(async () => {
  await topics.close()
  await kafka.remove()
})

const retentionMs = 8_000

test('a log that nobody reads is full in time, and takes records again once they are read', async () => {
  const topic = await topics.create([[0], [0], [0]])
  const base = testSettings(noStore)
  const group = `${topic}.writer`
  const log = { ...base.log, brokers: kafka.bootstrapServers, eventsTopic: topic, group, retentionMs }
  const gateway = await startRole('gateway', { ...base, log })
  onTestFinished(() => gateway.remove())
  await until(async () => (await gateway.readiness()) === 200)
  const post = async () => {
    const answer = await request(`${gateway.url}/data`, {
      method: 'POST',
      body: '{"customer":"a","amount":1}',
      headers: { 'content-type': 'application/json' },
    })
    const body: unknown = JSON.parse(await answer.body.text())
    return { status: answer.statusCode, retryAfter: answer.headers['retry-after'], body }
  }
  expect((await post()).status).toBe(202)
  await until(async () => (await post()).status === 503)
  expect(await post()).toMatchObject({
    status: 503,
    retryAfter: '30',
    body: { type: 'https://dataservice.dev/problems/log-full' },
  })
  const metrics = await gateway.metrics()
  expect(metrics).toMatch(/dataservice_log_lag_age_seconds [6-9]/)
  expect(metrics).toMatch(/dataservice_log_disk_used_ratio\{.*broker="0".*\} 0\.\d/)

  const counts = await topics.counts(topic)
  const ends = new Map(counts.map((count, partition) => [partition, BigInt(count)]))
  const consumer = createConsumer({ brokers: kafka.bootstrapServers, topic, clientId: 'test', group })
  onTestFinished(() => consumer.stop())
  const recorder = new Recorder({ 0: 0n, 1: 0n, 2: 0n })
  void consumer.run(recorder)
  const total = counts.reduce((sum, count) => sum + count, 0)
  await until(() => [0, 1, 2].reduce((sum, one) => sum + recorder.keys(one).length, 0) === total)
  await consumer.hint(ends)
  await until(async () => (await post()).status === 202)
})
