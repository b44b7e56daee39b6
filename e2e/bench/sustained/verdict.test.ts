import { expect, test } from 'vitest'
import { type Carried, costOf, faultsOf, isFlat, rateOf, sumOf } from './verdict.ts'

const good: Carried = {
  perSecond: 1_000,
  offered: {
    arrived: 10_000,
    statuses: { 202: 10_000 },
    unanswered: 0,
    milliseconds: { p50: 5, p99: 40, p999: 90, max: 120 },
    seconds: 10,
    cpuSeconds: 0.3,
  },
  lags: [300, 250, 320, 280],
  isCaughtUp: true,
  cpuSeconds: { gateway: 0.6, Kafka: 0.2, writer: 0.2, Postgres: 0.3, reader: 0, Redis: 0, generator: 0.3 },
  othersCpuSeconds: 0.1,
}
const offered = (change: Partial<Carried['offered']>): Carried => ({
  ...good,
  offered: { ...good.offered, ...change },
})

test('a load that was carried has no faults, a rate and a cost', () => {
  expect(faultsOf(good)).toEqual([])
  expect(rateOf(good)).toBe(1_000)
  expect(costOf(good).gateway).toBeCloseTo(60)
  expect(sumOf(costOf(good))).toBeCloseTo(160)
})

test.each<[string, Carried, RegExp]>([
  ['a 503', offered({ statuses: { 202: 9_999, 503: 1 } }), /^1 of 10000 requests/],
  ['a request without an answer', offered({ statuses: { 202: 9_999 }, unanswered: 1 }), /^1 of 10000/],
  ['slow answers', offered({ milliseconds: { p50: 5, p99: 500, p999: 600, max: 700 } }), /^P99 was 500 ms/],
  ['a lag that grows', { ...good, lags: [0, 100, 900, 1_500] }, /^the lag grew/],
  ['a writer that stays behind', { ...good, isCaughtUp: false }, /did not catch up/],
])('%s speaks against it', (_, carried, fault) => {
  expect(faultsOf(carried)).toEqual([expect.stringMatching(fault)])
})

test('a lag is flat when its halves differ by less than half a second of arrivals', () => {
  expect(isFlat([0, 0, 500, 500], 1_000)).toBe(true)
  expect(isFlat([0, 0, 501, 501], 1_000)).toBe(false)
  expect(isFlat([0], 1_000)).toBe(false) // nothing is known of one look
})
