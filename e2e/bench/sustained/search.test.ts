import { expect, test } from 'vitest'
import { highestRate } from './search.ts'

const search = { from: 2_000, factor: 1.5, rises: 5, halvings: 3 }

/** A machine that carries so much; the rates that were tried stand in `tried`. */
function machine(most: number) {
  const tried: number[] = []
  const isCarried = async (rate: number) => {
    tried.push(rate)
    return rate <= most
  }
  return { tried, isCarried }
}

test('it rises until a rate is not carried, and then closes in on the highest that is', async () => {
  const { tried, isCarried } = machine(7_500)
  const found = await highestRate(search, isCarried)
  expect(found).toBeLessThanOrEqual(7_500)
  expect(found).toBeGreaterThan(7_500 / 1.06)
  expect(tried).toHaveLength(4 + 1 + 3)
})

test('it ends where it may rise no further', async () => {
  const { tried, isCarried } = machine(Number.POSITIVE_INFINITY)
  expect(await highestRate(search, isCarried)).toBe(Math.max(...tried))
  expect(tried).toHaveLength(6)
})

test('a machine that does not carry the first rate is told', async () => {
  await expect(highestRate(search, machine(1_999).isCarried)).rejects.toThrow('not even 2000/s')
})
