/** Those who follow what is stored see all of it, each record once and in order, whatever is killed meanwhile. */
import { setTimeout as delay } from 'node:timers/promises'
import { expect, onTestFinished, test } from 'vitest'
import { naturalIds } from '#e2e/engines/service-settings.ts'
import { type Follower, followPages, followStream } from './followers.ts'
import { again, serve, spread } from './role-faults.ts'
import { type RoleStack, roleStack } from './role-stack.ts'
import { settledIn } from './settled.ts'

const batchSize = 25
const total = 4_000

/** Every tenth record comes again as it was, every eleventh under the same id with another body. */
function bodies(from: number): string[] {
  return Array.from({ length: batchSize }, (_, index) => from + index).flatMap(n => {
    const text = (amount: string) => `{"number":"n${n}","customer":"c${n % 50}","amount" : ${amount}}`
    const own = text(`${n}.0e0`)
    return [own, ...(n % 10 === 0 ? [own] : []), ...(n % 11 === 0 ? [text('-1')] : [])]
  })
}

/** Posts until all is acknowledged; answers a position of each id that was accepted. */
async function post(url: string, progress: (count: number) => void): Promise<Map<string, string>> {
  const positions = new Map<string, string>()
  for (let from = 0; from < total; ) {
    const headers = { 'content-type': 'application/json' }
    const body = `[${bodies(from).join(',')}]`
    const answer = await fetch(`${url}/data`, { method: 'POST', body, headers }).catch(() => undefined)
    if (answer?.status === 202) {
      const { accepted }: { accepted: { id: string; position: string }[] } = JSON.parse(await answer.text())
      for (const { id, position } of accepted) if (!positions.has(id)) positions.set(id, position)
      from += batchSize
      progress(from)
    } else await delay(100)
  }
  return positions
}

async function rowsOf({ database }: RoleStack): Promise<Map<string, unknown>> {
  const owner = database.open('owner')
  const { rows } = await owner.query('SELECT id, body FROM records').finally(() => owner.close())
  return new Map(rows.map(([id, text]) => [id ?? '', JSON.parse(text ?? 'null')]))
}

test('followers see what is stored exactly once, through kills of every part', async () => {
  const world = await roleStack(naturalIds)
  const { restart, allReady } = await serve(world)
  const followers: Follower[] = [
    followPages(world.gatewayUrl, 20),
    followPages(world.gatewayUrl, 1_000),
    ...Array.from({ length: 5 }, () => followStream(world.gatewayUrl)),
  ]
  onTestFinished(() => Promise.all(followers.map(each => each.stop())).then(() => {}))

  const [broker] = world.kafka.brokers
  if (!broker) throw new Error('there is a broker')
  const faults = [
    () => restart('gateway', 'SIGKILL'),
    () => again(broker),
    () => restart('writer', 'SIGKILL'),
    () => restart('reader', 'SIGKILL'),
    () => restart('gateway', 'SIGTERM'),
    () => again(world.postgres),
  ]
  const { reached, over } = spread(faults, total)
  const positions = await post(world.gatewayUrl, reached)
  await over()
  await allReady()

  await settledIn(60_000, async () => expect((await rowsOf(world)).size).toBe(total))
  const rows = await rowsOf(world)
  for (const follower of followers) {
    await settledIn(60_000, async () => expect(follower.items.length).toBeGreaterThanOrEqual(total))
    const { name, items, setbacks } = follower
    expect(follower.gaps, name).toEqual([])
    // Once and as they are stored; nothing that is not.
    expect(items.map(({ id }) => id).toSorted(), name).toEqual([...rows.keys()].toSorted())
    for (const { id, record } of items) expect(record, `${name} ${id}`).toEqual(rows.get(id))
    expect(disorder(items, positions), name).toEqual([])
    console.info(`${name}: ${items.length} records, ${setbacks()} setbacks`)
  }
}, 240_000)

/** Neighbours of one partition that come the wrong way round. */
function disorder(items: readonly { id: string }[], positions: ReadonlyMap<string, string>): string[] {
  const last = new Map<number, { id: string; offset: number }>()
  const wrong: string[] = []
  for (const { id } of items) {
    const [partition = -1, offset = -1] = (positions.get(id) ?? '').split('-').map(Number)
    const before = last.get(partition)
    if (before && before.offset > offset) wrong.push(`${before.id} ${id}`)
    last.set(partition, { id, offset })
  }
  return wrong
}
