import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { WriterScaling } from '#crds/v1alpha1/status.ts'
import { behind } from '#operator/testing/writer-load.ts'
import { decideWriters, type ScalingVerdict, type Situation, type TotalLoad } from './number.ts'

const now = new Date('2026-01-01T12:00:00Z')
const ago = (seconds: number): string => new Date(now.getTime() - seconds * 1000).toISOString()
const calm: TotalLoad = {
  arrived: 100,
  storing: 100,
  waiting: 0,
  waitingSeconds: 0,
  commitSeconds: 0.02,
  busy: 0.1,
}

const rows: [string, Partial<Situation>, ScalingVerdict][] = [
  ['nothing waits: as it is', { load: { ...calm, busy: 0.6 } }, { number: 2 }],
  ['records wait for long and get more: twice as many', { load: behind }, { number: 4 }],
  ['a little too slow: one more', { load: { ...behind, arrived: 1_010, waiting: 60_000 } }, { number: 3 }],
  ['they will have caught up soon', { load: { ...behind, arrived: 100, waiting: 60_000 } }, { number: 2 }],
  ['records wait no longer than a batch takes', { load: { ...behind, waitingSeconds: 20 } }, { number: 2 }],
  ['nothing is stored at all', { load: { ...behind, storing: 0 } }, { number: 4 }],
  [
    'not right after a change',
    { load: behind, last: { changedAt: ago(100), from: 1, recordsPerSecond: 400 } },
    { number: 2 },
  ],
  [
    'again when the last one brought something',
    { load: behind, last: { changedAt: ago(200), from: 1, recordsPerSecond: 500 } },
    { number: 4 },
  ],
  [
    'the last one brought nothing',
    { load: behind, last: { changedAt: ago(200), from: 1, recordsPerSecond: 990 } },
    { number: 2, limitedBy: 'Database' },
  ],
  [
    'the last one brought nothing, long ago: it is tried again',
    { load: behind, last: { changedAt: ago(1800), from: 1, recordsPerSecond: 990 } },
    { number: 4 },
  ],
  [
    'transactions are slow',
    { load: { ...behind, commitSeconds: 1.5 } },
    { number: 2, limitedBy: 'Database' },
  ],
  ['no more partitions', { current: 8, load: behind }, { number: 8, limitedBy: 'Partitions' }],
  [
    'no more by the spec',
    { current: 4, most: 4, mostBy: 'Max', load: behind },
    { number: 4, limitedBy: 'Max' },
  ],
  [
    'no more connections',
    { current: 4, most: 4, mostBy: 'Database', load: behind },
    { number: 4, limitedBy: 'Database' },
  ],
  [
    'one more that would leave as many partitions to the busiest is none',
    { current: 4, most: 7, mostBy: 'Max', load: behind },
    { number: 4, limitedBy: 'Max' },
  ],
  [
    'fewer when long enough nothing waited',
    { current: 4, load: calm, last: { changedAt: ago(601) } },
    { number: 3 },
  ],
  ['not yet', { current: 4, load: calm, last: { changedAt: ago(599) } }, { number: 4 }],
  ['not when the others would be busy', { current: 4, load: { ...calm, busy: 0.4 } }, { number: 4 }],
  ['not below the floor', { current: 2, load: calm }, { number: 2 }],
]

const situation = (change: Partial<Situation>): Situation => ({
  now,
  current: 2,
  floor: 2,
  most: 8,
  mostBy: 'Partitions',
  partitions: 8,
  load: calm,
  last: undefined,
  ...change,
})

test.each(rows)('%s', (_, change, verdict) => {
  expect(decideWriters(situation(change))).toEqual(verdict)
})

/** A service whose writers store at most `each` records a second, and whose Postgres stores at most `database`. */
interface World {
  partitions: number
  floor: number
  most: number
  start: number
  arrived: number
  each: number
  database: number
  backlog: number
}

const everySeconds = 15

/** The numbers of writers, one for each look, on a constant input. */
function history(world: World, looks: number): number[] {
  const { partitions, floor, most, arrived } = world
  let current = world.start
  let waiting = world.backlog
  let last: WriterScaling | undefined
  return Array.from({ length: looks }, (_, look) => {
    const speed = Math.min(world.database, (world.each * partitions) / Math.ceil(partitions / current))
    const storing = Math.min(speed, arrived + waiting / everySeconds)
    waiting = Math.max(0, waiting + (arrived - storing) * everySeconds)
    const load = {
      arrived,
      storing,
      waiting,
      waitingSeconds: waiting / arrived,
      commitSeconds: 0.05,
      busy: storing / speed,
    }
    const at = new Date(now.getTime() + look * everySeconds * 1000)
    const verdict = decideWriters({ now: at, current, floor, most, mostBy: 'Max', partitions, load, last })
    if (verdict.number !== current)
      last = { changedAt: at.toISOString(), from: current, recordsPerSecond: Math.round(storing) }
    current = verdict.number
    return current
  })
}

describe('on a constant input', () => {
  const worlds = fc
    .record({
      partitions: fc.integer({ min: 1, max: 64 }),
      floor: fc.integer({ min: 1, max: 8 }),
      room: fc.integer({ min: 0, max: 40 }),
      start: fc.integer({ min: 0, max: 40 }),
      arrived: fc.integer({ min: 1, max: 50_000 }),
      each: fc.integer({ min: 100, max: 5_000 }),
      database: fc.integer({ min: 100, max: 60_000 }),
      backlog: fc.integer({ min: 0, max: 50_000_000 }),
    })
    .map(({ room, start, ...world }): World => {
      const floor = Math.min(world.floor, world.partitions)
      const most = Math.min(world.partitions, floor + room)
      return { ...world, floor, most, start: Math.min(most, floor + start) }
    })

  test('the number stays within its bounds and never grows after it has shrunk', () => {
    fc.assert(
      fc.property(worlds, world => {
        const numbers = history(world, 2_000)
        expect(Math.min(...numbers)).toBeGreaterThanOrEqual(world.floor)
        expect(Math.max(...numbers)).toBeLessThanOrEqual(world.most)
        const shrunkAt = numbers.findIndex((number, index) => index > 0 && number < (numbers[index - 1] ?? 0))
        const after = shrunkAt < 0 ? [] : numbers.slice(shrunkAt)
        expect(after).toEqual(after.toSorted((left, right) => right - left))
      }),
    )
  })

  test('records stop waiting wherever more writers can bring that about', () => {
    fc.assert(
      fc.property(worlds, world => {
        const fastest = (world.each * world.partitions) / Math.ceil(world.partitions / world.most)
        fc.pre(
          world.arrived * 2.5 < Math.min(fastest, world.database) && world.backlog < world.arrived * 1_000,
        )
        const last = history(world, 2_000).at(-1) ?? 0
        expect((world.each * world.partitions) / Math.ceil(world.partitions / last)).toBeGreaterThan(
          world.arrived,
        )
      }),
    )
  })
})
