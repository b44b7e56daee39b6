import { describe, expect, test } from 'vitest'
import {
  afterBatch,
  backOff,
  freshHistory,
  judgeClaim,
  judgeFailure,
  judgeFence,
  judgeOutOfRange,
  judgeStanding,
  type Position,
  pathOf,
} from './decisions.ts'

const position: Position = { clusterId: 'A', nextOffset: 10n, lastId: 'e9', epoch: 3n, claimedBy: 'me' }

describe('a claimed partition', () => {
  test.each([
    [
      'is read from the record before the position',
      {},
      { start: 0n, end: 20n },
      { from: 9n, checkLast: true },
    ],
    [
      'is read from the position when the log starts there',
      {},
      { start: 10n, end: 20n },
      { from: 10n, checkLast: false },
    ],
    [
      'is read from the start when nothing was stored',
      { nextOffset: 0n, lastId: undefined },
      { start: 0n, end: 5n },
      { from: 0n, checkLast: false },
    ],
    [
      'is read from the position where nothing is said to stand before it, as behind what nobody can read',
      { lastId: undefined },
      { start: 0n, end: 20n },
      { from: 10n, checkLast: false },
    ],
    [
      'is read although the log ends below it: the log is given time',
      {},
      { start: 0n, end: 4n },
      { from: 9n, checkLast: true },
    ],
  ])('%s', (_, change, range, wanted) => {
    expect(judgeClaim({ ...position, ...change }, 'A', range)).toEqual({ kind: 'read', ...wanted })
  })

  test('stops when the log starts behind the position', () => {
    expect(judgeClaim(position, 'A', { start: 11n, end: 20n })).toMatchObject({ stop: { reason: 'LogGap' } })
  })

  test('stops when retention ate records before anything was stored', () => {
    const fresh = { ...position, nextOffset: 0n, lastId: undefined }
    expect(judgeClaim(fresh, 'A', { start: 3n, end: 20n })).toMatchObject({ stop: { reason: 'LogGap' } })
  })

  test('stops in front of another cluster', () => {
    expect(judgeClaim(position, 'B', { start: 0n, end: 20n })).toMatchObject({
      stop: { reason: 'LogReplaced' },
    })
  })
})

test.each([
  ['same', { start: 12n, end: 20n }, 'LogGap'],
  ['same', { start: 0n, end: 9n }, 'LogTruncated'],
  ['same', { start: 10n, end: 20n }, undefined],
  ['same', { start: 0n, end: 10n }, undefined],
  ['another', { start: 0n, end: 9n }, 'LogReplaced'],
  ['another', { start: 0n, end: 20n }, 'LogReplaced'],
] as const)('a position outside the log of the %s topic %o means %s', (topic, range, reason) => {
  expect(judgeOutOfRange(10n, range, topic)?.reason).toBe(reason)
})

test('a topic made anew before anything was stored is simply read', () => {
  expect(judgeOutOfRange(0n, { start: 0n, end: 9n }, 'another')).toBeUndefined()
})

test.each([
  ['the row is gone', undefined, 'reclaim'],
  ['another writer claimed', { claimedBy: 'you', epoch: 4n }, 'lost'],
  ['another writer claimed and wrote', { claimedBy: 'you', epoch: 4n, nextOffset: 12n }, 'lost'],
  ['our earlier try had gone through', { nextOffset: 12n }, 'committed'],
  ['a late claim of ours raised the epoch', { epoch: 4n }, 'renewed'],
  ['the database went back in time', { nextOffset: 5n }, 'reclaim'],
  ['nothing changed, so the statement lied', {}, 'reclaim'],
])('after a compare-and-set without a row, when %s', (_, change, kind) => {
  expect(judgeFence(position, change && { ...position, ...change }).kind).toBe(kind)
})

test.each([
  ['stands where it was left', {}, 'stands'],
  ['went on, by a batch of ours', { nextOffset: 11n }, 'stands'],
  ['is claimed by another writer', { epoch: 4n, claimedBy: 'you' }, 'lost'],
  ['was set back', { nextOffset: 9n }, 'reclaim'],
  ['was set back to before our claim', { nextOffset: 9n, epoch: 2n, claimedBy: 'you' }, 'reclaim'],
  ['has no row any more', undefined, 'reclaim'],
] as const)('a stored position that %s', (_, change, verdict) => {
  expect(judgeStanding(position, change && { ...position, ...change })).toBe(verdict)
})

test.each([
  ['duplicate', 'fast', '23505', { kind: 'tolerate' }],
  ['duplicate', 'tolerant', '23505', { kind: 'again', smaller: false }],
  ['missing-partition', 'fast', '23514', { kind: 'make-partitions' }],
  ['missing-partition', 'tolerant', '23514', { kind: 'make-partitions' }],
  ['refused', 'fast', '22P02', { kind: 'isolate' }],
  ['refused', 'tolerant', '22021', { kind: 'isolate' }],
  ['refused', 'isolating', '22P02', { kind: 'stop' }],
  ['retriable', 'fast', '57014', { kind: 'again', smaller: true }],
  ['retriable', 'fast', '40001', { kind: 'again', smaller: false }],
  ['lost', 'fast', undefined, { kind: 'again', smaller: false }],
] as const)('a failure of kind %s on the %s path (%s)', (kind, path, sqlState, verdict) => {
  expect(judgeFailure(kind, path, sqlState)).toEqual(verdict)
})

describe('the path of a batch', () => {
  const run = (violations: readonly boolean[]) =>
    violations.reduce((history, violated) => afterBatch(history, violated, 1_000), freshHistory)

  test('stays fast after one duplicate', () => {
    expect(pathOf(run([false, true, false]), 1_000)).toBe('fast')
  })

  test('is tolerant for 60 s after two within 100 batches', () => {
    const history = run([true, ...Array(98).fill(false), true])
    expect(pathOf(history, 1_000)).toBe('tolerant')
    expect(pathOf(history, 60_999)).toBe('tolerant')
    expect(pathOf(history, 61_000)).toBe('fast')
  })

  test('stays fast when duplicates are further apart', () => {
    expect(pathOf(run([true, ...Array(100).fill(false), true]), 1_000)).toBe('fast')
  })
})

test('the back-off doubles from 25 to 50 ms and ends at five seconds', () => {
  expect([backOff(0, 0), backOff(0, 0.999), backOff(1, 0), backOff(50, 1)]).toEqual([
    25,
    expect.closeTo(49.975),
    50,
    5_000,
  ])
})
