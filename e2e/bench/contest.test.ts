import { expect, test } from 'vitest'
import { broken, type Contest, judge, median, rowOf, rowOfAbsent, type Sample } from './contest.ts'
import { closing, table } from './report.ts'

const round = () => Promise.reject(new Error('not in this test'))
const contest: Contest = {
  name: 'writer',
  metric: 'CPU µs of each row',
  gate: 0.6,
  ours: { version: 'writer', round },
  peer: { version: 'psql 17.5', round },
}
const costing = (...microseconds: number[]): Sample[] =>
  microseconds.map(each => ({ operations: 1_000, cpuSeconds: each / 1_000, wallSeconds: 1 }))

test('medians decide, and a ratio of the gate or more holds', () => {
  const row = judge(contest, { ours: costing(10, 99, 10), peer: costing(6, 1, 6) })
  expect(row).toMatchObject({ ours: 10, peer: 6, peerVersion: 'psql 17.5', gate: 0.6, holds: true })
  expect(row.ratio).toBeCloseTo(0.6)
  expect(judge(contest, { ours: costing(10), peer: costing(5.9) }).holds).toBe(false)
})

test('what is counted holds as long as it is not more than the gate allows', () => {
  const tally = { name: 'pages', metric: 'blocks', gate: 1 / 1.2, peer: 'page 1', count: round }
  expect(rowOf(tally, { ours: 12, peer: 10 })).toMatchObject({ ours: 12, peerVersion: 'page 1', holds: true })
  expect(rowOf(tally, { ours: 13, peer: 10 }).holds).toBe(false)
})

test('of what is better when there is more, ours is measured by the peer', () => {
  const tally = {
    name: 'sustained',
    metric: '/s',
    gate: 0.7,
    isMoreBetter: true,
    peer: 'cores',
    count: round,
  }
  expect(rowOf(tally, { ours: 7, peer: 10 })).toMatchObject({ ratio: 0.7, holds: true })
  expect(rowOf(tally, { ours: 6, peer: 10 }).holds).toBe(false)
})

test('the median of an even number lies between the middle ones, and of nothing there is none', () => {
  expect(median([4, 1, 3, 2])).toBe(2.5)
  expect(() => median([])).toThrow('nothing was measured')
})

test('what could not be measured fails, and is told', () => {
  const rows = [broken(contest, 'psql 17.5'), judge(contest, { ours: costing(10), peer: costing(9) })]
  expect(rows.map(({ holds }) => holds)).toEqual([false, true])
  expect(closing(rows)).toBe('1 passed, 1 failed')
  expect(table(rows).split('\n')[1]).toMatch(/^writer .* 0\.00 +0\.60 +FAILS +psql 17\.5$/)
})

test('a peer that this machine cannot have is named with the reason, and fails nothing', () => {
  const row = rowOfAbsent({ name: 'kafka-clients-x', absent: 'x 1.0.0', reason: 'no compiler' })
  expect(row).toMatchObject({ peerVersion: 'x 1.0.0: no compiler', gate: 0, holds: true })
  expect(table([row])).toContain(' told ')
})
