/**
 * Records change and are read at random while each of two instances of Redis is killed, and filled with what it held
 * before, and while readers have only the one that the writer does not reach: nobody reads a value that was replaced longer
 * ago than the cache may keep it, and every read succeeds.
 */
import { setTimeout as delay } from 'node:timers/promises'
import { Redis as RedisClient } from 'ioredis'
import type { Settings } from '#dataservice/contract/settings.ts'
import type { Redis } from '#e2e/engines/redis.ts'
import { changing } from '#e2e/engines/service-settings.ts'
import { openRoleStack, type RoleStack } from '#e2e/scenarios/open-role-stack.ts'
import { again, serve } from '#e2e/scenarios/role-faults.ts'
import type { Chance } from './chance.ts'
import { atLeast, atMost, type Figure, told } from './figures.ts'
import type { Size, Suite } from './suite.ts'
import { openWay, type Way } from './way.ts'

interface Plan {
  rounds: number
  /** Between two harms. */
  eachMs: number
}

const plans: Readonly<Record<Size, Plan>> = {
  smoke: { rounds: 1, eachMs: 3_000 },
  full: { rounds: 10, eachMs: 10_000 },
}
/** Many, so that each is read more often than it changes. */
const records = 200
const writers = 4
const readers = 4
const ttlSeconds = 3
/** Old enough to be wrong, and young enough to be believed. */
const takenMs = 1_000
/** A question takes its time, and so does the answer that an older one was replaced. */
const slackSeconds = 1

export const cache: Suite = async ({ resources, size, chance, say }) => {
  const world = await openRoleStack(resources, {
    changes: changing,
    caches: 2,
    rewire: settings => ({ ...settings, cache: { ...settings.cache, ttlSeconds } }),
  })
  const way = await openWay(resources)
  const writerSettings = secondBehind(way, world.settings)
  await serve({
    start: (role, more = {}) =>
      world.start(role, role === 'writer' ? { ...more, settings: writerSettings } : more),
  })
  const values = Array.from({ length: records }, () => new Value())
  const over = new AbortController()
  const lanes = [
    ...Array.from({ length: writers }, (_, lane) => change(world, values, lane, over.signal)),
    ...Array.from({ length: readers }, (_, lane) => read(world, values, chance.of(`${lane}`), over.signal)),
  ]
  await disturb(world, way, plans[size], say)
  over.abort()
  await Promise.all(lanes)
  return [...figuresOf(values), atMost('violations', await lastOnes(world, values), 0)]
}

function figuresOf(values: readonly Value[]): Figure[] {
  const sum = (of: (value: Value) => number) => values.reduce((total, value) => total + of(value), 0)
  const [changes, reads] = [sum(value => value.latest), sum(value => value.reads)]
  const [failed, stale] = [sum(value => value.failed), sum(value => value.stale)]
  const oldest = Math.max(...values.map(value => value.oldest))
  return [
    told('changes', changes),
    atLeast('reads', reads, 1),
    atMost('reads that did not succeed', failed, 0),
    told('reads of a value that was replaced', stale),
    atMost('longest time after which it was still read, s', oldest, ttlSeconds + slackSeconds),
  ]
}

/** The second instance is reached by a way that can be lost. */
function secondBehind(way: Way, settings: Settings): Settings {
  const [second, ...others] = settings.cache.peers ?? []
  if (!second) throw new Error('there is one instance of the cache')
  return { ...settings, cache: { ...settings.cache, peers: [way.to(second), ...others] } }
}

async function disturb(
  { redis, redisPeers }: RoleStack,
  way: Way,
  { rounds, eachMs }: Plan,
  say: (message: string) => void,
): Promise<void> {
  for (let round = 0; round < rounds; round++) {
    for (const [n, instance] of [redis, ...redisPeers].entries()) {
      await delay(eachMs)
      const held = await takeAll(instance)
      await delay(takenMs)
      say(`${held.length} old values come back to Redis ${n}`)
      await putBack(instance, held)
      await delay(eachMs)
      say(`Redis ${n} is killed`)
      await again(instance)
    }
    await delay(eachMs)
    say('the writer does not reach Redis 1, and Redis 0 is away')
    way.swallow()
    await redis.kill('SIGKILL')
    await delay(2 * eachMs)
    await redis.start()
    way.open()
    await delay(eachMs)
  }
}

/** One record that counts up, and what readers saw of it. */
class Value {
  /** When each number was known to be stored, by `performance.now()`. */
  readonly storedAt: number[] = []
  reads = 0
  failed = 0
  stale = 0
  /** Longest time in seconds for which a number was read after the next one was stored. */
  oldest = 0

  get latest(): number {
    return this.storedAt.length - 1
  }

  see(number: number, askedAt: number): void {
    if (!Number.isInteger(number)) throw new Error('a record without its number was read')
    this.reads += 1
    const replacedAt = this.storedAt[number + 1]
    if (replacedAt === undefined || replacedAt > askedAt) return
    this.stale += 1
    this.oldest = Math.max(this.oldest, (askedAt - replacedAt) / 1000)
  }
}

const body = (number: number): string => `{"customer":"c","amount": ${number}.0}`
const urlOf = ({ gatewayUrl }: RoleStack, record: number): string => `${gatewayUrl}/data/r${record}`

/** Each lane counts up records of its own. */
async function change(world: RoleStack, values: Value[], lane: number, signal: AbortSignal): Promise<void> {
  for (let n = lane; !signal.aborted; n = (n + writers) % records) {
    const value = values[n]
    if (!value) throw new Error(`there is no record ${n}`)
    const headers = { 'content-type': 'application/json', prefer: 'wait=20' }
    const next = body(value.latest + 1)
    const answer = await fetch(urlOf(world, n), { method: 'PUT', headers, body: next })
    await answer.arrayBuffer()
    if (answer.status !== 200) throw new Error(`a change was answered by ${answer.status}`)
    value.storedAt.push(performance.now())
  }
}

async function read(world: RoleStack, values: Value[], chance: Chance, signal: AbortSignal): Promise<void> {
  while (!signal.aborted) {
    const n = chance.between(0, records - 1)
    const value = values[n]
    if (!value || value.latest < 0) {
      await delay(50)
      continue
    }
    const askedAt = performance.now()
    const answer = await fetch(urlOf(world, n)).catch(() => undefined)
    const text = (await answer?.text()) ?? ''
    if (answer?.status === 200) value.see(Number(/"amount": (\d+)/.exec(text)?.[1]), askedAt)
    else value.failed += 1
    await delay(chance.between(0, 10))
  }
}

interface Held {
  key: string
  value: Buffer
  leftMs: number
}

/** What Redis holds now. */
async function takeAll({ host, port }: Redis): Promise<Held[]> {
  const client = new RedisClient({ host, port })
  const held: Held[] = []
  for (const key of await client.keys('*')) {
    const [value, leftMs] = [await client.dumpBuffer(key), await client.pttl(key)]
    if (value) held.push({ key, value, leftMs: Math.max(1, leftMs) })
  }
  client.disconnect()
  return held
}

/** As an old replica that took over would have it. */
async function putBack({ host, port }: Redis, held: readonly Held[]): Promise<void> {
  const client = new RedisClient({ host, port })
  for (const { key, value, leftMs } of held) await client.restore(key, leftMs, value, 'REPLACE')
  client.disconnect()
}

/** Records whose row does not hold what was stored last, byte for byte, or whose history lacks a change. */
async function lastOnes({ database }: RoleStack, values: readonly Value[]): Promise<number> {
  const owner = database.open('owner')
  const { rows } = await owner.query('SELECT id, body FROM records')
  const { rows: events } = await owner.query('SELECT count(*) FROM events').finally(() => owner.close())
  const found = new Map(rows.map(([id, text]) => [id, text]))
  const wrong = values.filter((value, n) => found.get(`r${n}`) !== body(value.latest)).length
  const changes = values.reduce((sum, value) => sum + value.latest + 1, 0)
  return wrong + Math.abs(Number(events[0]?.[0]) - changes) + Math.abs(rows.length - values.length)
}
