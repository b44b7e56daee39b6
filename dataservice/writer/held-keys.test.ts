import { expect, test } from 'vitest'
import { logRecord } from '#e2e/engines/records.ts'
import { HeldKeys, maxHeldKeys, type Released } from './held-keys.ts'
import type { HeldRecord } from './held-store.ts'
import { keyOf, withoutHeld } from './holding.ts'

const place = { topic: 't', partition: 0 }
const recordOf = (key: string) => ({ ...logRecord(0n, { body: '{', key }), headers: new Map(), timestamp: 0 })
const rowOf = (key: string) => ({
  offset: 0n,
  eventId: 'e',
  bytes: 0,
  record: recordOf(key),
  unreadable: 'why',
})
const refused = (key: string) => ({ row: rowOf(key), outcome: 'refused' as const })
const hashOf = (key: string) => String(keyOf(recordOf(key)))
const keysOf = (records: readonly HeldRecord[]) => records.map(({ record }) => String(record.key))

interface World {
  isOn?: boolean
  blocked?: string[]
  waiting?: string[]
  now?: () => number
}

/** `waiting`: a record of each key. */
function world({ isOn = true, blocked = [], waiting = [], now = () => 0 }: World) {
  const left = [...waiting]
  const hashes = (keys: readonly string[]) => new Set(keys.map(hashOf))
  const store = {
    heldKeys: async () => hashes([...blocked, ...left]),
    blockedKeys: async () => hashes(blocked),
    heldRecords: async (_: typeof place, key: string) =>
      left.filter(each => hashOf(each) === key).map(each => ({ number: '1', record: recordOf(each) })),
  }
  const held = new HeldKeys({ store, place, isOn, keys: hashes([...blocked, ...left]), now })
  const put: string[] = []
  const release = (answer: Released = 'all') =>
    held.release(async records => {
      put.push(...keysOf(records))
      if (answer === 'all')
        left.splice(0, left.length, ...left.filter(each => !keysOf(records).includes(each)))
      return answer
    })
  return { held, put, release, blocked }
}

test('what no dead letter blocks is stored, and its key is free when nothing waits any more', async () => {
  const { held, put, release, blocked } = world({ blocked: ['a'], waiting: ['b', 'c'] })
  expect(held.isDue).toBe(true)
  await release()
  expect([put, held.count, held.isDue]).toEqual([['b', 'c'], 1, false])
  expect(withoutHeld([rowOf('a'), rowOf('b')], await held.holding())).toEqual({
    free: [rowOf('b')],
    held: [rowOf('a')],
  })
  blocked.pop()
  expect(held.poke()).toBe(true)
  await release()
  expect([held.count, held.poke()]).toEqual([0, false])
})

test('a key stays held when some of its records wait again; after a turn without an end there is another', async () => {
  const again = world({ waiting: ['b', 'c'] })
  await again.release('some')
  expect([again.put, again.held.count, again.held.isDue]).toEqual([['b', 'c'], 2, false])
  const unknown = world({ waiting: ['b', 'c'] })
  await unknown.release('unknown')
  expect([unknown.put, unknown.held.count, unknown.held.isDue]).toEqual([['b'], 2, true])
  let time = 0
  const slow = world({ waiting: ['b', 'c'], now: () => (time += 400) })
  await slow.release()
  expect([slow.put, slow.held.isDue]).toEqual([['b'], true])
})

test('without HoldKey nothing new is held', async () => {
  const { held } = world({ isOn: false })
  held.learn([refused('b')])
  expect([held.count, withoutHeld([rowOf('b'), rowOf('b')], await held.holding()).held]).toEqual([0, []])
})

test('after a doubt it asks anew what is held', async () => {
  const { held, blocked } = world({})
  blocked.push('a')
  expect((await held.holding()).keys).toEqual(new Set())
  held.doubt()
  expect((await held.holding()).keys).toEqual(new Set([hashOf('a')]))
})

test('the set has a bound; beyond it it is time to look', () => {
  const { held } = world({})
  held.learn(Array.from({ length: maxHeldKeys }, (_, n) => refused(`key ${n}`)))
  expect([held.isTooMany, held.isDue]).toEqual([false, false])
  held.learn([refused('one more')])
  expect([held.isTooMany, held.isDue]).toEqual([true, true])
})

test('a record that cannot be read holds its key; one without a key holds nothing', () => {
  const keyless = { ...rowOf('x'), record: { ...recordOf('x'), key: undefined } }
  const nobody = new Set<string>()
  const rows = [rowOf('a'), keyless, rowOf('a'), keyless]
  expect(withoutHeld(rows, { isOn: true, keys: nobody })).toEqual({
    free: [rowOf('a'), keyless, keyless],
    held: [rowOf('a')],
  })
  expect(withoutHeld(rows, { isOn: false, keys: nobody }).held).toEqual([])
})
