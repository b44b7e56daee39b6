import { expect, test } from 'vitest'
import { LoadMeter, type LoadSample } from './load.ts'

/** Two partitions, half of `stored` and `end` in each. */
const sample = (second: number, stored: number, end: number, rest: Partial<LoadSample> = {}): LoadSample => ({
  at: second * 1000,
  partitions: new Map(
    [0, 1].map(partition => [partition, { stored: BigInt(stored / 2), end: BigInt(end / 2) }] as const),
  ),
  waitingSeconds: 0,
  commits: 0,
  commitSeconds: 0,
  committed: 0,
  activeMs: 0,
  ...rest,
})

test('rates, what waits, and the mean transaction', () => {
  const meter = new LoadMeter(1_000)
  meter.add(sample(0, 1_000, 2_000))
  meter.add(sample(10, 3_000, 6_000, { commits: 5, commitSeconds: 1, committed: 2_000, activeMs: 1_000 }))
  expect(meter.load()).toBeUndefined()
  meter.add(
    sample(40, 9_000, 22_000, {
      waitingSeconds: 12,
      commits: 20,
      commitSeconds: 8,
      committed: 8_000,
      activeMs: 8_000,
    }),
  )
  expect(meter.load()).toEqual({
    arrived: 500,
    storing: 200,
    waiting: 13_000,
    waitingSeconds: 12,
    commitSeconds: 0.4,
    busy: 0.2, // of the loop; lanes are a tenth of the time in transactions
  })
})

test('lanes that are always in transactions are busy only as far as those are full', () => {
  const busyWith = (committed: number) => {
    const meter = new LoadMeter(1_000)
    meter.add(sample(0, 0, 0))
    meter.add(sample(30, 0, 0, { commits: 60, commitSeconds: 60, committed }))
    return meter.load()?.busy
  }
  expect(busyWith(6_000)).toBe(0.1)
  expect(busyWith(60_000)).toBe(1)
})

test('only the last minute counts', () => {
  const meter = new LoadMeter(1_000)
  for (const second of [0, 30, 60, 90, 120])
    meter.add(sample(second, second < 61 ? 0 : (second - 60) * 100, 6_000))
  expect(meter.load()).toMatchObject({ storing: 100, arrived: 0 })
})

test('with other partitions it begins anew', () => {
  const meter = new LoadMeter(1_000)
  meter.add(sample(0, 0, 0))
  meter.add({ ...sample(30, 0, 0), partitions: new Map([[7, { stored: 0n, end: 0n }]]) })
  expect(meter.load()).toBeUndefined()
})
