/** A partition that nobody leads is waited for alone: the writer's others go on. */
import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest'
import { createAppender } from '#dataservice/platform/kafka/appender.ts'
import { createConsumer } from '#dataservice/platform/kafka/consumer.ts'
import {
  type ContractCluster,
  startContractCluster,
} from '#dataservice/platform/kafka/testing/contract-cluster.ts'
import { until } from '#dataservice/platform/kafka/testing/topics.ts'
import { engines } from '#e2e/engines/inject.ts'
import { migratedService } from '#e2e/engines/migrated-database.ts'
import { newRecord } from '#e2e/engines/records.ts'
import { startReports } from './reports.ts'
import { playedWriter } from './testing/played-writer.ts'

let cluster: ContractCluster

beforeAll(async () => {
  cluster = await startContractCluster()
})
afterAll(() => cluster.close())

/** A topic of which one partition has its only replica on a broker of its own, a database, and writers. */
async function world() {
  const { kafka, topics } = cluster
  const topic = await topics.create([[0], [1], [2], [0]])
  const group = `${topic}.writers`
  const service = await migratedService(engines().postgres)
  const brokers = kafka.bootstrapServers
  const appender = await createAppender({ brokers, topic, clientId: 'append' })
  const owner = service.open('owner')
  onTestFinished(async () => {
    await appender.close()
    await owner.close()
  })
  const append = async (...partitions: number[]) => {
    const records = Array.from({ length: 10 }, () => newRecord({ body: '{}' }))
    const outcomes = await appender.append(new Map(partitions.map(partition => [partition, records])))
    expect([...outcomes.values()].map(({ kind }) => kind)).toEqual(partitions.map(() => 'appended'))
  }
  const start = () => {
    const database = service.open('writer')
    const consumer = createConsumer({ brokers, topic, group, clientId: 'writer' })
    const { assignment, metrics } = playedWriter(service.settings, database, { consumer })
    const reports = startReports({ consumer, assignment, metrics, limits: { maxRecords: 500 } })
    consumer.run(assignment).catch(() => {}) // what is not stored tells it
    const stop = async () => {
      reports.stop()
      await consumer.stop()
    }
    onTestFinished(async () => {
      await stop()
      await database.close()
    })
    /** Partitions of which it was seen how much waits in them. */
    const measured = async () => (await metrics.lag.get()).values.map(({ labels }) => labels.partition).sort()
    return { assignment, metrics, measured, stop }
  }
  const untilStored = (wanted: Readonly<Record<number, number>>) =>
    until(async () => {
      const { rows } = await owner.query('SELECT partition, next_offset FROM ingest_offsets')
      const next = new Map(rows.map(([partition, offset]) => [Number(partition), Number(offset)]))
      return Object.entries(wanted).every(([partition, offset]) => next.get(Number(partition)) === offset)
    }, 60_000)
  return { append, start, untilStored, broker: kafka.brokers[1] }
}

test('partitions of a writer are stored, claimed and reported while one of them has no leader', async () => {
  const { append, start, untilStored, broker } = await world()
  const first = start()
  await append(0, 1, 2, 3)
  await untilStored({ 0: 10, 1: 10, 2: 10, 3: 10 })
  await broker?.kill('SIGKILL')

  // While it is at work: what looks after all partitions goes on for the others.
  await append(0, 2, 3)
  await untilStored({ 0: 20, 2: 20, 3: 20 })
  first.metrics.lag.reset()
  await until(async () => (await first.measured()).join() === '0,2,3', 40_000)

  // At the start.
  await first.stop()
  const second = start()
  await append(0, 2, 3)
  await untilStored({ 0: 30, 2: 30, 3: 30 })
  expect([...second.assignment.positions().keys()].sort()).toEqual([0, 2, 3])
  expect(second.assignment.notReady()).toBe('partition 1 was not claimed yet')

  // At a rebalance, while the claim of the one is still waited for.
  const third = start()
  const sharesOf = () => [second, third].map(({ assignment }) => [...assignment.positions().keys()])
  await until(() => sharesOf().every(share => share.length > 0), 40_000)
  await append(0, 2, 3)
  await untilStored({ 0: 40, 2: 40, 3: 40 })

  await broker?.start()
  await append(1)
  await untilStored({ 0: 40, 1: 20, 2: 40, 3: 40 })
  await until(() => [second, third].every(({ assignment }) => assignment.notReady() === undefined))
})
