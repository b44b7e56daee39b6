import { expect, test } from 'vitest'
import { turnstile } from './turnstile.ts'

/** What the watched copies say, in the hands of the test. */
function world(places: number, ...inside: string[]) {
  const seen = new Set(inside)
  const gone = new Set<string>()
  const woken: string[] = []
  const turns = turnstile({
    places,
    inside: () => [...seen].filter(each => !gone.has(each)),
    exists: visitor => !gone.has(visitor),
    wake: visitor => woken.push(visitor),
  })
  const asks = (visitor: string, first = false): string => turns.enter(visitor, { first }).kind
  return { turns, seen, gone, woken, asks }
}

test('no more come in than there are places, those that an earlier process let in included', () => {
  const { asks } = world(2, 'shop/before')
  expect(['a', 'b', 'c'].map(each => asks(each))).toEqual(['turn', 'wait', 'wait'])
  expect([asks('shop/before'), asks('a')]).toEqual(['turn', 'turn'])
})

test('whoever waits longest is woken, and who has changed something before all others', () => {
  const { turns, asks, woken } = world(1)
  for (const each of ['a', 'b', 'c', 'd']) asks(each)
  asks('d', true)
  turns.leave('a')
  expect(woken).toEqual(['d'])
  expect(asks('d')).toBe('turn')
  turns.leave('d')
  expect(woken).toEqual(['d', 'b'])
})

test('who has left is outside, although the copies say it later', () => {
  const { turns, asks, seen } = world(1)
  asks('a')
  seen.add('a')
  turns.leave('a')
  expect(asks('b')).toBe('turn')
})

test('who needs no turn any more makes room for who waits behind, and one that never asked changes nothing', () => {
  const { turns, asks, woken } = world(1)
  for (const each of ['a', 'b', 'c']) asks(each)
  turns.leave('b')
  turns.leave('never')
  expect(woken).toEqual([])
  turns.leave('a')
  expect(woken).toEqual(['c'])
  turns.leave('a')
  expect(woken).toEqual(['c'])
})

test('who is deleted makes room, and is not woken', () => {
  const { turns, asks, gone, woken } = world(1)
  for (const each of ['a', 'b', 'c']) asks(each)
  gone.add('b')
  turns.leave('b')
  gone.add('a')
  turns.leave('a')
  expect(woken).toEqual(['c'])
})

test('who is told to wait hears whose turn it is', () => {
  const { turns, asks } = world(1)
  asks('shop/a')
  expect(turns.enter('shop/b', { first: false })).toEqual({ kind: 'wait', inside: ['shop/a'] })
})
