import { expect, test } from 'vitest'
import { collector, givesBack } from './give-back.ts'
import { FakeClock } from './testing/fake-clock.ts'

function world(tookMs = 0) {
  const clock = new FakeClock()
  let times = 0
  const depth = givesBack({
    clock,
    collect: () => {
      times += 1
      clock.jump(tookMs)
    },
  })
  return { clock, depth, times: () => times }
}

test('after many keys, as soon as only few are in line for a while', () => {
  const { clock, depth, times } = world()
  for (const keys of [500, 99, 0]) depth(keys)
  clock.advance(900)
  expect(times()).toBe(0)
  depth(100)
  for (const keys of [99, 3, 0]) depth(keys)
  clock.advance(900)
  for (const keys of [40, 0]) depth(keys)
  expect(times()).toBe(0)
  clock.advance(200)
  expect(times()).toBe(1)
})

test('not for a few keys, nor again for those before', () => {
  const { clock, depth, times } = world()
  for (const keys of [5, 0]) depth(keys)
  clock.advance(10_000)
  expect(times()).toBe(0)
  for (const keys of [100, 0]) depth(keys)
  clock.advance(10_000)
  for (const keys of [5, 0]) depth(keys)
  clock.advance(10_000)
  expect(times()).toBe(1)
})

test.each([
  { tookMs: 20, restMs: 10_000 },
  { tookMs: 300, restMs: 30_000 },
])('not often: after one that took $tookMs ms, many keys wait for $restMs ms', ({ tookMs, restMs }) => {
  const { clock, depth, times } = world(tookMs)
  for (const keys of [100, 0]) depth(keys)
  clock.advance(1_000)
  for (const keys of [100, 0]) depth(keys)
  clock.advance(restMs - 1_000)
  expect(times()).toBe(1)
  clock.advance(1_000)
  expect(times()).toBe(2)
})

test('the collector of this Node takes what nothing holds', async () => {
  const collect = collector()
  if (collect === undefined) throw new Error('this Node hands out no collector')
  const held: WeakRef<object>[] = []
  for (let each = 0; each < 1_000; each += 1) held.push(new WeakRef({ each }))
  await new Promise(resolve => setImmediate(resolve)) // until then a WeakRef holds what it was made of
  collect()
  expect(held.filter(each => each.deref() !== undefined)).toEqual([])
})
