/** The scripts of the Postgres pods as they stand in the ConfigMap, run as plain processes; only places are moved. */
import { expect, test } from 'vitest'
import { database } from '#dataservice/contract/names.ts'
import { openWay } from '#e2e/chaos/way.ts'
import { type Pod, podsOf, soon } from './testing/postgres-pods.ts'

test('a replica copies the primary, follows it, answers while it is away, and copies it anew when it must', async () => {
  const [primary, replica] = await podsOf(2)
  if (primary === undefined || replica === undefined) throw new Error('two pods expected')
  await Promise.all([primary.start(), replica.start()])
  await expect
    .poll(
      () => primary.sql('CREATE SCHEMA dataservice CREATE TABLE kept (value int)').then(() => true, String),
      soon,
    )
    .toBe(true)
  await primary.sql('INSERT INTO kept VALUES (1)')
  const onReplica = () =>
    replica.sql('SELECT array_agg(value ORDER BY value), pg_is_in_recovery() FROM kept').catch(String)
  await expect.poll(onReplica, soon).toEqual([[[1], true]])
  await expect(replica.sql('INSERT INTO kept VALUES (9)')).rejects.toThrow('read-only')
  expect([await primary.probe(), await replica.probe()]).toEqual([0, 0])

  await primary.kill('SIGKILL')
  expect(await onReplica()).toEqual([[[1], true]])
  expect(await replica.probe()).toBe(0)
  await replica.kill('SIGKILL')
  await replica.start() // with its primary away it serves what it has
  await expect.poll(onReplica, soon).toEqual([[[1], true]])
  await primary.start()
  await expect
    .poll(() => primary.sql('INSERT INTO kept VALUES (2)').then(() => true, String), soon)
    .toBe(true)
  await expect.poll(onReplica, soon).toEqual([[[1, 2], true]])

  await replica.kill('SIGKILL')
  await expect.poll(() => primary.administer("SELECT pg_drop_replication_slot('replica_1')"), soon).toBe(0)
  await primary.sql('INSERT INTO kept VALUES (3)')
  await replica.start()
  await expect.poll(onReplica, soon).toEqual([[[1, 2, 3], true]])
  expect(await replica.log()).toContain('copying it anew')
})

test('a replica whose primary fell silent without a word asks for it anew', async () => {
  await using resources = new AsyncDisposableStack()
  const way = await openWay(resources)
  const [primary, replica] = await podsOf(2)
  if (primary === undefined || replica === undefined) throw new Error('two pods expected')
  way.to({ host: '127.0.0.1', port: primary.port })
  await replica.tell({ ordinal: 0, port: way.port })
  await Promise.all([primary.start(), replica.start()])
  await expect
    .poll(
      () => primary.sql('CREATE SCHEMA dataservice CREATE TABLE kept (value int)').then(() => true, String),
      soon,
    )
    .toBe(true)
  const onReplica = () => replica.sql('SELECT count(*)::int FROM kept').catch(String)
  await expect.poll(onReplica, soon).toEqual([[0]])
  way.swallow() // as the connection to a node that is gone
  await primary.sql('INSERT INTO kept VALUES (1)')
  way.open()
  // Far less than the 60 s that Postgres waits by itself.
  await expect.poll(onReplica, { timeout: 30_000, interval: 100 }).toEqual([[1]])
})

test('a replica that does not follow is not ready while its primary answers, and is again once it follows', async () => {
  const [primary, replica] = await aPair()
  await primary.administer(`ALTER ROLE ${database.replication} NOREPLICATION`)
  await primary.administer('SELECT pg_terminate_backend(pid, 10000) FROM pg_stat_replication')
  await primary.sql('INSERT INTO kept VALUES (2)')
  expect(await replica.readiness()).toBe(0)
  await expect.poll(() => replica.probe().then(() => replica.readiness()), soon).not.toBe(0)
  expect(await replica.probe()).toBe(0) // copying anew would not help
  expect(await rowsOf(replica)).toEqual([[[1]]])

  await primary.administer(`ALTER ROLE ${database.replication} REPLICATION`)
  await expect.poll(() => rowsOf(replica), soon).toEqual([[[1, 2]]])
  expect(await replica.probe()).toBe(0)
  expect(await replica.readiness()).toBe(0)
})

test('the primary drops the slot of a replica that is not wanted any more, and keeps the others', async () => {
  const [primary] = await podsOf(1)
  if (primary === undefined) throw new Error('one pod expected')
  await primary.start()
  const make = (ordinal: number) => `SELECT pg_create_physical_replication_slot('replica_${ordinal}', true)`
  await expect.poll(() => primary.administer(make(1)), soon).toBe(0)
  expect(await primary.administer(make(2))).toBe(0)
  await primary.kill('SIGINT')
  await primary.start()
  const slots = () => primary.sql('SELECT slot_name FROM pg_replication_slots').catch(String)
  await expect.poll(slots, soon).toEqual([['replica_1']])
})

test('a replica whose primary was made anew keeps its copy and says what to do', async () => {
  const [primary, replica] = await podsOf(2)
  if (primary === undefined || replica === undefined) throw new Error('two pods expected')
  await Promise.all([primary.start(), replica.start()])
  await replica.kill('SIGKILL')
  await primary.kill('SIGKILL')
  await primary.emptyVolume()
  await primary.start()
  await expect.poll(() => primary.sql('SELECT 1').catch(String), soon).toEqual([[1]])
  await expect(replica.start()).rejects.toThrow('copy of another database')
})

test('a replica that is told so becomes the primary once the old one has ended, which follows it then', async () => {
  const [old, chosen, other] = await podsOf(3)
  if (old === undefined || chosen === undefined || other === undefined) throw new Error('three pods expected')
  await Promise.all([old.start(), chosen.start(), other.start()])
  await expect
    .poll(
      () => old.sql('CREATE SCHEMA dataservice CREATE TABLE kept (value int)').then(() => true, String),
      soon,
    )
    .toBe(true)
  await old.sql('INSERT INTO kept VALUES (1)')
  const rows = (on: Pod) => on.sql('SELECT array_agg(value ORDER BY value) FROM kept').catch(String)
  for (const replica of [chosen, other]) await expect.poll(() => rows(replica), soon).toEqual([[[1]]])
  expect(await chosen.readiness()).toBe(0)

  const primary = { ordinal: 1, port: chosen.port }
  await chosen.tell(primary)
  expect(await chosen.readiness()).not.toBe(0)
  await old.sql('INSERT INTO kept VALUES (2)') // it is still the primary, and nothing of it is lost
  await old.tell(primary)
  await expect.poll(() => chosen.sql('INSERT INTO kept VALUES (3)').then(() => true, String), soon).toBe(true)
  expect(await rows(chosen)).toEqual([[[1, 2, 3]]])
  expect(await chosen.readiness()).toBe(0)
  expect(await chosen.probe()).toBe(0)
  expect(await old.log()).toContain('another pod is the primary now')

  await other.tell(primary)
  await expect.poll(() => other.probe(), soon).not.toBe(0) // so the kubelet starts it anew
  await other.kill('SIGKILL')
  await expect.poll(() => old.pid, soon).toBeUndefined()
  for (const follower of [old, other]) await follower.start()
  for (const follower of [old, other]) await expect.poll(() => rows(follower), soon).toEqual([[[1, 2, 3]]])
})

/** A primary with the row 1, and a replica that has it. */
async function aPair(): Promise<[Pod, Pod]> {
  const [primary, replica] = await podsOf(2)
  if (primary === undefined || replica === undefined) throw new Error('two pods expected')
  await Promise.all([primary.start(), replica.start()])
  const made = () =>
    primary.sql('CREATE SCHEMA dataservice CREATE TABLE kept (value int)').then(() => true, String)
  await expect.poll(made, soon).toBe(true)
  await primary.sql('INSERT INTO kept VALUES (1)')
  await expect.poll(() => rowsOf(replica), soon).toEqual([[[1]]])
  return [primary, replica]
}

const rowsOf = (pod: Pod) => pod.sql('SELECT array_agg(value ORDER BY value) FROM kept').catch(String)

test('who was the primary copies the new one as soon as it is that, and not before', async () => {
  const [old, chosen] = await aPair()
  const primary = { ordinal: 1, port: chosen.port }
  await old.kill('SIGINT')
  await old.tell(primary)
  await old.start()
  await expect.poll(() => rowsOf(old), soon).toEqual([[[1]]])
  expect(await old.log()).not.toContain('copying') // the other one is a replica yet

  await chosen.tell(primary)
  await expect.poll(() => chosen.sql('INSERT INTO kept VALUES (2)').then(() => true, String), soon).toBe(true)
  await expect.poll(() => old.pid, soon).toBeUndefined()
  await old.start()
  await expect.poll(() => rowsOf(old), soon).toEqual([[[1, 2]]])
})

test('one that is the primary again, without what came meanwhile, is copied by who has that', async () => {
  const [first, second] = await aPair()
  const change = async (to: { ordinal: number; port: number }, from: Pod) => {
    for (const pod of [first, second]) await pod.tell(to)
    await expect.poll(() => from.pid, soon).toBeUndefined()
  }
  const toSecond = { ordinal: 1, port: second.port }
  await change(toSecond, first)
  await expect.poll(() => second.sql('INSERT INTO kept VALUES (2)').then(() => true, String), soon).toBe(true)
  await first.start() // from now on the second one keeps what the first has yet to read
  await expect.poll(() => rowsOf(first), soon).toEqual([[[1, 2]]])

  await change({ ordinal: 0, port: first.port }, second)
  await expect.poll(() => first.sql('INSERT INTO kept VALUES (3)').then(() => true, String), soon).toBe(true)
  await second.tell({ ordinal: 0, port: 1 }) // where nobody answers
  await second.start()
  await change(toSecond, first)
  await expect.poll(() => second.sql('INSERT INTO kept VALUES (4)').then(() => true, String), soon).toBe(true)
  await first.start()
  await expect.poll(() => rowsOf(first), soon).toEqual([[[1, 2, 4]]])
})
