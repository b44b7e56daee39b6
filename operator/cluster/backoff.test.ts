import fc from 'fast-check'
import { expect, test } from 'vitest'
import { backoffMs } from './backoff.ts'

const limits = { baseMs: 100, maxMs: 1_000 }

test('the wait doubles with each failure up to the limit', () => {
  const waits = [1, 2, 3, 4, 5, 500].map(failures => backoffMs(failures, limits, () => 1))
  expect(waits).toEqual([100, 200, 400, 800, 1_000, 1_000])
})

test('half of the wait is fixed and half is chance', () => {
  expect([0, 0.5, 1].map(random => backoffMs(2, limits, () => random))).toEqual([100, 150, 200])
})

test('a wait is never zero, negative or above the limit', () => {
  const property = fc.property(
    fc.integer(),
    fc.double({ min: 0, max: 1, noNaN: true }),
    (failures, random) => {
      const waitMs = backoffMs(failures, limits, () => random)
      expect(waitMs).toBeGreaterThanOrEqual(limits.baseMs / 2)
      expect(waitMs).toBeLessThanOrEqual(limits.maxMs)
    },
  )
  fc.assert(property)
})
