import { expect, test } from 'vitest'
import { chance } from './chance.ts'

const draws = (seed: number) => {
  const { between } = chance(seed)
  return Array.from({ length: 1_000 }, () => between(3, 9))
}

test('a seed repeats its choices, another one makes others', () => {
  expect(draws(7)).toEqual(draws(7))
  expect(draws(7)).not.toEqual(draws(8))
})

test('every number within the bounds comes, and none outside', () => {
  expect([...new Set(draws(1))].toSorted()).toEqual([3, 4, 5, 6, 7, 8, 9])
})

test('parts do not disturb each other', () => {
  const [one, other] = [chance(5), chance(5)]
  other.next()
  expect(one.of('broker').next()).toBe(other.of('broker').next())
  expect(one.of('broker').next()).not.toBe(one.of('writer').next())
})
