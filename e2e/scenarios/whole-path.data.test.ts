/** The whole path as processes over real engines, each of which is killed while records come in. */
import { setTimeout as delay } from 'node:timers/promises'
import { expect, test } from 'vitest'
import type { ServiceDatabase } from '#e2e/engines/service-database.ts'
import { complaints, judge } from './oracle.ts'
import { allPages } from './pages.ts'
import { again, serve, spread } from './role-faults.ts'
import { roleStack } from './role-stack.ts'
import { settledIn } from './settled.ts'

const batchSize = 100

/** Posts records until all are acknowledged; an attempt without an answer is sent anew and remembered. */
async function post(url: string, texts: readonly string[], progress: (acknowledged: number) => void) {
  const acknowledged = new Map<string, string>()
  const unknown: string[] = []
  for (let from = 0; from < texts.length; ) {
    const batch = texts.slice(from, from + batchSize)
    const ids = await postOnce(url, batch)
    if (ids) {
      ids.forEach((id, index) => void acknowledged.set(id, batch[index] ?? ''))
      from += batch.length
      progress(acknowledged.size)
    } else {
      unknown.push(...batch)
      await delay(100)
    }
  }
  return { acknowledged, unknown }
}

async function postOnce(url: string, batch: readonly string[]): Promise<string[] | undefined> {
  const body = `[${batch.join(',')}]`
  const headers = { 'content-type': 'application/json' }
  const answer = await fetch(`${url}/data`, { method: 'POST', body, headers }).catch(() => undefined)
  if (answer?.status !== 202) return undefined
  const { accepted }: { accepted: { id: string }[] } = JSON.parse(await answer.text())
  return accepted.map(({ id }) => id)
}

const texts = Array.from(
  { length: 10_000 },
  (_, n) => `{"customer":"c${n % 100}","amount":${n}.0e0, "quantity":${n % 9},"paid":${n % 2 === 0}}`,
)

test('all parts are killed once while 10,000 records come in, and the account balances', async () => {
  const world = await roleStack()
  const { restart, allReady } = await serve(world)
  const [broker] = world.kafka.brokers
  if (!broker) throw new Error('there is a broker')
  const faults = [
    () => restart('writer'),
    () => again(world.postgres),
    () => restart('gateway'),
    () => again(broker),
    () => again(world.redis),
    () => restart('reader'),
  ]
  const { reached, over } = spread(faults, texts.length)
  const { acknowledged, unknown } = await post(world.gatewayUrl, texts, reached)
  await over()
  expect(acknowledged.size).toBe(texts.length)
  await allReady()

  await settledIn(60_000, async () => {
    const verdict = await judge({ acknowledged, unknown, stored: await rowsOf(world.database) })
    expect(complaints(verdict)).toEqual([])
  })
  const read = await allPages(world.gatewayUrl, '/data?limit=1000')
  const byPages = await judge({ acknowledged, unknown, stored: read })
  expect(complaints(byPages)).toEqual([])
}, 180_000)

async function rowsOf(service: ServiceDatabase) {
  const owner = service.open('owner')
  const { rows } = await owner.query('SELECT id, body FROM records').finally(() => owner.close())
  return rows.map(([id, text]) => ({ id: id ?? '', text: text ?? '' }))
}
