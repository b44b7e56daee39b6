/** Every part is killed once while records come in; the account has to balance afterwards. */
import { expect, test } from 'vitest'
import { flightRecords, flights } from '#e2e/stack/flights.ts'
import { postRecords } from '#e2e/stack/post.ts'
import { sql, waitUntilReady } from '#e2e/stack/service.ts'
import { killPod, podsOf } from './kill.ts'
import { complaints, judge, type StoredRecord } from './oracle.ts'
import { settledIn } from './settled.ts'
import { cluster, gatewayUrl } from './stack.ts'

/** In this order, one at each sixth of the records. */
const victims = ['writer', 'gateway', 'kafka', 'postgres', 'redis'] as const

test('writer, gateway, broker, Postgres and Redis are killed once each while 20,000 records are posted', async () => {
  const kubernetes = await cluster()
  const [newest = ''] = (await sql(kubernetes, flights, 'SELECT max(id::text) FROM records')).split('\n')
  const records = await flightRecords()
  const killed: string[] = []
  const kills: Promise<void>[] = []
  const posted = await postRecords(records, {
    url: gatewayUrl(),
    batch: 50,
    concurrency: 3,
    patienceMs: 120_000,
    onProgress: acknowledged => {
      const victim = victims[killed.length]
      if (
        victim === undefined ||
        acknowledged < ((killed.length + 1) * records.length) / (victims.length + 1)
      )
        return
      killed.push(victim)
      const kill = killOne(victim)
      kill.catch(() => {}) // awaited with the others below
      kills.push(kill)
    },
  })
  await Promise.all(kills)
  expect(killed).toEqual([...victims])
  expect(posted.acknowledged.size).toBe(records.length)

  await waitUntilReady(kubernetes, flights, { timeoutMs: 180_000 })
  await settledIn(120_000, async () => {
    const verdict = await judge({ ...posted, stored: await storedSince(newest) })
    expect(complaints(verdict)).toEqual([])
  })
})

async function killOne(component: string): Promise<void> {
  const kubernetes = await cluster()
  // A pod may end between the look and the kill: an autoscaler is at work too.
  await settledIn(30_000, async () => {
    const [pod] = await podsOf(kubernetes, flights.namespace, component)
    if (pod === undefined) throw new Error(`no running pod of ${component}`)
    await killPod(kubernetes, flights.namespace, pod)
  })
}

/** Rows with an id above the given one, newest state of Postgres. */
async function storedSince(newest: string): Promise<StoredRecord[]> {
  const after = newest === '' ? '00000000-0000-0000-0000-000000000000' : newest
  const rows = await sql(
    await cluster(),
    flights,
    `SELECT id || ' ' || body::text FROM records WHERE id > '${after}'`,
  )
  return rows
    .split('\n')
    .filter(line => line !== '')
    .map(line => ({ id: line.slice(0, 36), text: line.slice(37) }))
}
