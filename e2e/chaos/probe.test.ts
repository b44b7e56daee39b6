import { expect, test } from 'vitest'
import { otherThan, quantile, startProbe, within } from './probe.ts'

test('questions go on while answers are late, within a bound', async () => {
  const late = Promise.withResolvers<number>()
  let asked = 0
  const full = Promise.withResolvers<void>()
  const probe = startProbe(
    () => {
      asked += 1
      if (asked === 3) full.resolve()
      return late.promise
    },
    1,
    3,
  )
  await full.promise
  const stopped = probe.stop()
  late.resolve(200)
  await stopped
  expect(probe.samples.map(({ status }) => status)).toEqual([200, 200, 200])
})

test('times and statuses of a part', () => {
  const samples = [1, 2, 3, 4].map(n => ({ at: n, tookMs: 10 * n, status: n === 2 ? 0 : 200 }))
  expect(quantile(samples, 0.5)).toBe(30)
  expect(quantile(samples, 1)).toBe(40)
  expect(otherThan(samples, 200)).toBe(1)
  expect(within(samples, 2, 4).map(({ at }) => at)).toEqual([2, 3])
  expect(() => quantile([], 0.5)).toThrow('nothing was asked')
})
