/** Two real Redis that know nothing of each other: what is kept outlives either, and so do versions and limits. */
import { randomBytes } from 'node:crypto'
import { Redis as Client } from 'ioredis'
import { pino } from 'pino'
import { expect, onTestFinished, test, vi } from 'vitest'
import { type Redis, startRedis } from '#e2e/engines/redis.ts'
import { soon } from '#e2e/engines/soon.ts'
import { type Cache, openCache } from './cache.ts'
import { Instances } from './instance.ts'
import { openRateLimiter } from './rate-limiter.ts'
import { mark, readVersioned, seenValue, stateKey } from './versioned.ts'

const log = pino({ level: 'silent' })

async function startTwo(): Promise<[Redis, Redis]> {
  const started = async () => {
    const redis = await startRedis()
    onTestFinished(() => redis.remove())
    return redis
  }
  return [await started(), await started()]
}

/** Old enough to be told from one that starts now: Redis tells its age in whole seconds. */
const grownUp = (redis: Redis): Promise<void> =>
  vi.waitFor(async () => {
    const info = await looksInto('', redis).info('server')
    expect(Number(/^uptime_in_seconds:(\d+)/m.exec(info)?.[1])).toBeGreaterThan(1)
  }, soon)

/** A busy machine is not to pass for one of them that hangs. */
const addressOf = ({ host, port }: Redis) => ({ host, port, answerMs: 500 })

/** A program that has the `first` in front, and reaches both. */
async function opened(prefix: string, first: Redis, second: Redis): Promise<Cache> {
  const cache = openCache({ ...addressOf(first), peers: [addressOf(second)], prefix, log })
  onTestFinished(() => cache.close())
  await allAsked(cache)
  return cache
}

const allAsked = ({ instances }: Pick<Cache, 'instances'>): Promise<void> =>
  vi.waitFor(() => expect(instances.map(({ state }) => state)).toEqual(['closed', 'closed']), soon)

function looksInto(prefix: string, redis: Redis): Client {
  const raw = new Client({ ...addressOf(redis), keyPrefix: prefix })
  raw.on('error', () => {})
  onTestFinished(() => raw.disconnect())
  return raw
}

const newPrefix = (): string => `${randomBytes(6).toString('hex')}:`

test('of two any may die and come back empty: what was kept is found all the time', async () => {
  const two = await startTwo()
  const prefix = newPrefix()
  const cache = await opened(prefix, ...two)
  const keys = Array.from({ length: 50 }, (_, n) => `k${n}`)
  const fill = () => {
    for (const key of keys) cache.set(key, Buffer.from(key), 60_000)
  }
  const full = (redis: Redis) =>
    vi.waitFor(async () => expect(await looksInto(prefix, redis).dbsize()).toBe(keys.length), soon)
  fill()
  await Promise.all([...two.map(full), ...two.map(grownUp)])

  const seen = new Map<string, number>()
  const read = async () => {
    for (const { kind } of await Promise.all(keys.map(key => cache.get(key))))
      seen.set(kind, (seen.get(kind) ?? 0) + 1)
  }
  for (const redis of two) {
    const killed = redis.kill('SIGKILL')
    for (let n = 0; n < 20; n++) await read()
    await killed
    await read()
    await redis.start()
    await allAsked(cache) // an empty one is there again, and nobody asks it
    await read()
    fill()
    await full(redis)
  }
  expect([...seen.keys()]).toEqual(['hit'])
})

test('one that hangs is left alone, and the other answers instead', async () => {
  const two = await startTwo()
  const cache = await opened(newPrefix(), ...two)
  cache.set('a', Buffer.from('a'), 60_000)
  await vi.waitFor(async () => expect((await cache.get('a')).kind).toBe('hit'), soon)
  await two[0].kill('SIGSTOP')
  for (let n = 0; n < 100; n++) expect((await cache.get('a')).kind).toBe('hit')
  expect([cache.state, cache.instances[0]?.state]).toEqual(['closed', 'open'])
  await two[0].kill('SIGCONT')
  await vi.waitFor(async () => {
    expect((await cache.get('a')).kind).toBe('hit')
    expect(cache.instances[0]?.state).toBe('closed')
  }, soon)
})

test('everybody asks the one that has been up longest, in whichever order they are told of them', async () => {
  const [early, late] = await startTwo()
  await grownUp(early)
  await late.kill('SIGKILL')
  await late.start()
  const asked = async (first: Redis, second: Redis) => {
    const instances = new Instances({ ...addressOf(first), peers: [addressOf(second)] }, log)
    onTestFinished(() => instances.close())
    await vi.waitFor(() => expect(instances.all.every(({ isAsked }) => isAsked)).toBe(true), soon)
    return instances.eldest()?.redis.options.port
  }
  expect([await asked(early, late), await asked(late, early)]).toEqual([early.port, early.port])
})

test('at each of them nothing is replaced by something older, also by who did not reach both', async () => {
  const two = await startTwo()
  const prefix = newPrefix()
  const both = await opened(prefix, ...two)
  const seen = (version: number) => seenValue('a', { version, born: 7, body: Buffer.from(String(version)) })
  const versions = () =>
    Promise.all(
      two.map(async redis => {
        const value = await looksInto(prefix, redis).getBuffer(stateKey('a'))
        return value ? readVersioned(value)?.version : undefined
      }),
    )
  both.setNewest([seen(2)])
  await vi.waitFor(async () => expect(await versions()).toEqual([2, 2]), soon)
  // Who reaches one alone leaves the other with what it has.
  const alone = openCache({ ...addressOf(two[0]), prefix, log })
  onTestFinished(() => alone.close())
  await vi.waitFor(() => expect(alone.state).toBe('closed'), soon)
  alone.setNewest([mark('a', 4n)], { onlyNewer: true })
  await vi.waitFor(async () => expect(await versions()).toEqual([4, 2]), soon)
  // A slow one comes to both: older than what the first knows, newer than the second.
  both.setNewest([seen(3)])
  await vi.waitFor(async () => expect(await versions()).toEqual([4, 3]), soon)
  both.setNewest([seen(5)])
  await vi.waitFor(async () => expect(await versions()).toEqual([5, 5]), soon)
})

test('callers are counted at one of them by all, and at the other once that is away', async () => {
  const two = await startTwo()
  const prefix = newPrefix()
  const limiterOf = (first: Redis, second: Redis) => {
    const peers = [addressOf(second)]
    const limits = { requests: 4, perMs: 3_600_000 }
    const limiter = openRateLimiter({ ...addressOf(first), peers, prefix, ...limits, log })
    onTestFinished(() => limiter.close())
    return limiter
  }
  const limiters = [limiterOf(...two), limiterOf(...two)] as const
  const allReached = () => Promise.all(limiters.map(allAsked))
  const counted = async () => {
    const kinds: string[] = []
    for (let n = 0; n < 6; n++) kinds.push((await limiters[n % 2 === 0 ? 0 : 1].take('ann')).kind)
    return kinds
  }
  const allowedFour = ['allowed', 'allowed', 'allowed', 'allowed', 'limited', 'limited']
  await Promise.all([allReached(), ...two.map(grownUp)])
  expect(await counted()).toEqual(allowedFour)
  const [isFirst, isSecond] = await Promise.all(two.map(redis => looksInto(prefix, redis).exists('ann')))
  expect([isFirst, isSecond].toSorted()).toEqual([0, 1])
  const [dying, other] = isFirst === 1 ? two : [two[1], two[0]]
  await dying.kill('SIGKILL')
  expect(await counted()).toEqual(allowedFour)
  // The one that comes back knows nobody, and is not asked.
  await dying.start()
  await allReached()
  expect(await counted()).toEqual(allowedFour.map(() => 'limited'))
  expect(await looksInto(prefix, other).exists('ann')).toBe(1)
})
