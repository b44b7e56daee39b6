/** Versions in a real Redis: what is newer stays, whoever comes when. */
import { randomBytes } from 'node:crypto'
import { Redis as Client } from 'ioredis'
import { pino } from 'pino'
import { expect, onTestFinished, test, vi } from 'vitest'
import { engines } from '#e2e/engines/inject.ts'
import { startRedis } from '#e2e/engines/redis.ts'
import { soon } from '#e2e/engines/soon.ts'
import { openCache } from './cache.ts'
import { guardMs, mark, readVersioned, seenValue, stateKey } from './versioned.ts'

type Address = Pick<ReturnType<typeof engines>['redis'], 'host' | 'port'>

async function opened(address: Address = engines().redis) {
  const prefix = `${randomBytes(6).toString('hex')}:`
  const cache = openCache({ ...address, prefix, log: pino({ level: 'silent' }) })
  const raw = new Client({ ...address, keyPrefix: prefix })
  onTestFinished(async () => {
    raw.disconnect()
    await cache.close()
  })
  await vi.waitFor(async () => expect((await cache.get('x')).kind).toBe('miss'), soon)
  const held = async () => {
    const answer = await cache.get(stateKey('a'))
    return answer.kind === 'hit' ? readVersioned(answer.value) : answer.kind
  }
  return { cache, raw, held }
}

const seen = (version: number, text: string | undefined) =>
  seenValue('a', { version, born: 7, body: text === undefined ? undefined : Buffer.from(text) })
const shown = (version: number, text: string) => ({
  version,
  seen: { version, born: 7, body: Buffer.from(text) },
})

test('nothing is replaced by something older, and a mark replaces only what is older', async () => {
  const { cache, held } = await opened()
  cache.setNewest([seen(2, 'two')])
  expect(await held()).toEqual(shown(2, 'two'))
  cache.setNewest([mark('a', 2n)], { onlyNewer: true })
  cache.setNewest([seen(1, 'one')])
  expect(await held()).toEqual(shown(2, 'two'))
  cache.setNewest([seen(2, 'two again')])
  expect(await held()).toEqual(shown(2, 'two again'))
  cache.setNewest([mark('a', 10n)], { onlyNewer: true })
  cache.setNewest([seen(9, 'nine')])
  expect(await held()).toEqual({ version: 10 })
  cache.setNewest([seen(10, undefined)])
  expect(await held()).toMatchObject({ version: 10, seen: { body: undefined } })
})

test.each<[string, (raw: Client) => Promise<unknown>]>([
  ['something short', raw => raw.set(stateKey('a'), 'x')],
  ['no number', raw => raw.set(stateKey('a'), Buffer.from('7ff8000000000000', 'hex'))],
  ['a list', raw => raw.rpush(stateKey('a'), 'x')],
  ['an older one without an end', raw => raw.set(stateKey('a'), seen(1, 'old').value)],
])('%s that somebody put there is replaced, and ends', async (_, put) => {
  const { cache, raw, held } = await opened()
  await put(raw)
  cache.setNewest([seen(2, 'two')])
  expect(await held()).toEqual(shown(2, 'two'))
  expect(await raw.pttl(stateKey('a'))).toBeGreaterThan(guardMs / 2)
})

test('many are as good as one, and a Redis that was away takes them again', async () => {
  const redis = await startRedis()
  onTestFinished(() => redis.remove())
  const { cache, raw } = await opened(redis)
  const ids = Array.from({ length: 2_000 }, (_, n) => `r${n}`)
  const tell = () => cache.setNewest(ids.map(id => mark(id, 3n)))
  tell()
  await vi.waitFor(async () => expect(await raw.dbsize()).toBe(ids.length), soon)
  await redis.kill('SIGKILL')
  tell()
  await redis.start()
  // Nobody but the one who tells asks this Redis.
  await vi.waitFor(
    async () => {
      tell()
      expect(await raw.dbsize()).toBe(ids.length)
    },
    { timeout: 20_000, interval: 100 },
  )
})
