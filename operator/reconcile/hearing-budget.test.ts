/** The budget of Kafka's pods, which follows from what Kafka says of its replicas, while it says nothing. */
import { expect, test } from 'vitest'
import type { ObservedChild } from '#operator/desired/target.ts'
import { dataService, withSpec } from '#operator/testing/data-service.ts'
import { rehearse, startedOn, untilSettled } from '#operator/testing/rehearsal.ts'
import { hearing } from './hearing.ts'

const log = { servers: ['memory:9092'] }
const minuteMs = 60_000

async function threeBrokers() {
  const rehearsal = await rehearse(dataService(withSpec({ kafka: { managed: { brokers: 3 } } })))
  const { topics, cluster, key } = rehearsal
  await untilSettled(rehearsal)
  let time = 0
  /** A process that begins now, and answers after each run how many brokers may go. */
  const started = () => {
    const run = startedOn(rehearsal, undefined, { differing: { hearing: hearing(() => time) } })
    return async () => {
      await run()
      const ref = { kind: 'PodDisruptionBudget', namespace: key.namespace, name: 'orders-kafka' } as const
      return (await cluster.get<ObservedChild>(ref))?.spec?.['maxUnavailable']
    }
  }
  const inSync = (replicas: readonly number[]) =>
    topics.replicate(log, [{ topic: 'shop.orders.events', partition: 0, replicas }])
  const setReady = async (readyReplicas: number): Promise<void> => {
    const ref = { kind: 'StatefulSet', namespace: key.namespace, name: 'orders-kafka' } as const
    const set = (await cluster.get<ObservedChild>(ref)) ?? expect.fail('there is no Kafka')
    await cluster.as('controllers').patchStatus({ ...set, status: { ...set.status, readyReplicas } })
  }
  const pass = (ms: number): void => {
    time += ms
  }
  return { topics, started, inSync, setReady, pass }
}

test('it stays as careful as it was for ten minutes, and is so again when Kafka says so', async () => {
  const { topics, started, inSync, pass } = await threeBrokers()
  const mayGo = started()
  expect(await mayGo()).toBe(1)
  await inSync([0, 1])
  expect(await mayGo()).toBe(0)
  topics.away = true
  for (const ms of [0, minuteMs, 8 * minuteMs]) {
    pass(ms)
    expect(await mayGo()).toBe(0)
  }
  pass(minuteMs)
  expect(await mayGo()).toBe(1)
  topics.away = false
  expect(await mayGo()).toBe(0)
  await inSync([0, 1, 2])
  expect(await mayGo()).toBe(1)
})

test('it stays so, too, while no broker is ready', async () => {
  const { started, inSync, setReady } = await threeBrokers()
  const mayGo = started()
  await inSync([0, 1])
  expect(await mayGo()).toBe(0)
  await setReady(0)
  expect(await mayGo()).toBe(0)
})

test('a process that has just begun leaves it as it finds it', async () => {
  const { topics, started, inSync, pass } = await threeBrokers()
  await inSync([0, 1])
  expect(await started()()).toBe(0)
  topics.away = true
  const mayGo = started()
  expect(await mayGo()).toBe(0)
  pass(10 * minuteMs)
  expect(await mayGo()).toBe(1)
})

test('a whole log that falls silent holds up no drain', async () => {
  const { topics, started } = await threeBrokers()
  const mayGo = started()
  expect(await mayGo()).toBe(1)
  topics.away = true
  expect(await mayGo()).toBe(1)
})
