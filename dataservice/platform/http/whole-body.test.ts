import { expect, test, vi } from 'vitest'
import { Gathered } from './whole-body.ts'

test('a body of one piece is handed on as it is', () => {
  const gathered = new Gathered()
  const piece = Buffer.from('{}')
  gathered.add(piece)
  expect(gathered.take()).toBe(piece)
  expect([gathered.size, gathered.take().length]).toEqual([0, 0])
})

test.each([
  ['of unknown length', 0, 21],
  ['of a known length', 1_000_000, 1],
])('a million pieces of a body %s are few buffers', (_, expected, few) => {
  const whole = Buffer.alloc(1_000_000, 'abcdefg')
  const made = vi.spyOn(Buffer, 'allocUnsafe')
  const gathered = new Gathered(expected)
  for (let at = 0; at < whole.length; at++) gathered.add(whole.subarray(at, at + 1))
  const count = made.mock.calls.length
  made.mockRestore()
  expect(count).toBeLessThanOrEqual(few)
  expect(gathered.take().equals(whole)).toBe(true)
})

test('what was taken is not written over by what comes next', () => {
  const gathered = new Gathered()
  for (const text of ['a', 'b', 'c']) gathered.add(Buffer.from(text))
  const taken = gathered.take()
  for (const text of ['x', 'y', '', 'z']) gathered.add(Buffer.from(text))
  expect([String(taken), gathered.size, String(gathered.take())]).toEqual(['abc', 3, 'xyz'])
})
