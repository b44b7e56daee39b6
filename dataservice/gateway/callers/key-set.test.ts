import { beforeAll, describe, expect, test } from 'vitest'
import { type Issuer, issuer, tokenRules } from '../testing/issuer.ts'
import { KeySet, KeysAway } from './key-set.ts'
import { TokenRefused, verifyToken } from './tokens.ts'

let first: Issuer
let second: Issuer
beforeAll(async () => {
  ;[first, second] = await Promise.all([issuer('one'), issuer('two')])
})

/** An issuer that publishes what `source.keys` says, and is away while that is an Error. */
function world() {
  const source: { keys: unknown; asked: number } = { keys: { keys: [] }, asked: 0 }
  const clock = { ms: 0 }
  const tries: unknown[] = []
  const set = new KeySet({
    async load() {
      source.asked += 1
      if (source.keys instanceof Error) throw source.keys
      return source.keys
    },
    restMs: 30_000,
    now: () => clock.ms,
    tried: failure => tries.push(failure),
  })
  const check = async (from: Issuer) =>
    verifyToken(await from.token(), tokenRules, set).then(
      () => 'accepted',
      (error: unknown) =>
        error instanceof KeysAway ? 'away' : error instanceof TokenRefused ? 'refused' : 'broken',
    )
  return { source, clock, set, check, tries }
}
const away = new Error('connect ECONNREFUSED')

describe('a key set', () => {
  test('a new key is found at once, and one that went away counts no more', async () => {
    const { source, clock, set, check } = world()
    source.keys = await first.keySet()
    expect([await check(first), await check(second)]).toEqual(['accepted', 'refused'])
    source.keys = await second.keySet()
    clock.ms += 30_000
    expect([await check(second), await check(first)]).toEqual(['accepted', 'refused'])
    await set.refresh()
    expect(await check(first)).toBe('refused')
  })

  test('everybody who comes while a new key is being fetched waits for it', async () => {
    const { source, clock, check } = world()
    source.keys = await first.keySet()
    expect(await check(first)).toBe('accepted')
    source.keys = await second.keySet()
    clock.ms += 30_000
    const all = await Promise.all(Array.from({ length: 20 }, () => check(second)))
    expect(new Set(all)).toEqual(new Set(['accepted']))
    expect(source.asked).toBe(2)
  })

  test('while the issuer is away known keys count, and of unknown ones nothing is said', async () => {
    const { source, clock, check, set } = world()
    source.keys = await first.keySet()
    expect(await check(first)).toBe('accepted')
    source.keys = away
    clock.ms += 30_000
    expect([await check(second), await check(first)]).toEqual(['away', 'accepted'])
    source.keys = await second.keySet()
    await set.refresh()
    expect(await check(second)).toBe('accepted')
  })

  test('away from the beginning: nothing is said until it is back', async () => {
    const { source, clock, check } = world()
    source.keys = away
    expect(await check(first)).toBe('away')
    source.keys = await first.keySet()
    expect(await check(first)).toBe('away')
    clock.ms += 30_000
    expect(await check(first)).toBe('accepted')
  })

  test('whatever callers send, the issuer is asked once in its rest, and once for all that wait', async () => {
    const { source, clock, check } = world()
    source.keys = await first.keySet()
    await Promise.all(Array.from({ length: 20 }, () => check(second)))
    expect(source.asked).toBe(1)
    clock.ms += 29_999
    await check(second)
    expect(source.asked).toBe(1)
    clock.ms += 1
    await Promise.all(Array.from({ length: 20 }, () => check(second)))
    expect(source.asked).toBe(2)
  })

  test.each([[null], [{}], [{ keys: {} }], [{ keys: [null] }], ['<html>']])(
    '%j is no key set: it counts as away',
    async published => {
      const { source, check, tries } = world()
      source.keys = published
      expect([await check(first), tries.length]).toEqual(['away', 1])
    },
  )
})
