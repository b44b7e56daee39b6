import { expect, test } from 'vitest'
import { parseVerdict, verdictLine } from '#dataservice/contract/restored.ts'
import { judge, type Position, type SeenLog } from './rebase.ts'

const at = (
  nextOffset: bigint,
  lastId: string | null = `id-${nextOffset - 1n}`,
  clusterId = 'c',
): Position => ({
  partition: 0,
  clusterId,
  nextOffset,
  lastId,
})

/** A log that holds `id-N` at N. */
const log = (start: bigint, end: bigint, prefix = 'id', clusterId = 'c'): SeenLog => ({
  clusterId,
  range: { start, end },
  idAt: async offset => (offset >= start && offset < end ? `${prefix}-${offset}` : undefined),
})

test.each<[string, Position, Position | undefined, SeenLog, object]>([
  ['the log that was read before', at(5n), at(9n), log(0n, 12n), { lost: 0n }],
  ['nothing was stored yet', at(0n, null), undefined, log(0n, 12n), { lost: 0n }],
  ['all that is stored has left the log', at(5n), at(9n), log(5n, 12n), { lost: 0n }],
  ['what comes next has left the log', at(5n), at(9n), log(7n, 12n), { to: 7n, lost: 2n }],
  ['another cluster', at(5n), at(9n), log(0n, 12n, 'id', 'd'), { to: 0n, lost: 4n }],
  ['the topic was made anew and is empty', at(5n), at(9n), log(0n, 0n), { to: 0n, lost: 4n }],
  ['the topic was made anew and has grown beyond', at(5n), at(9n), log(0n, 99n, 'x'), { to: 0n, lost: 4n }],
  ['it ends before what was reached', at(5n), at(9n), log(0n, 7n), { to: 0n, lost: 4n }],
  ['another log, and nobody knows what was reached', at(5n), undefined, log(0n, 2n), { to: 0n, lost: 0n }],
  [
    'the moment is before the first record, and the log is another',
    at(0n, null),
    at(9n),
    log(0n, 0n),
    { to: 0n, lost: 9n },
  ],
  ['a record without an id was the last', at(5n, null), undefined, log(0n, 12n), { lost: 0n }],
])('%s', async (_, stored, reached, seen, move) => {
  expect(await judge(stored, reached, seen)).toEqual(move)
})

test('the verdict is one line that the operator reads; other lines are none', () => {
  const verdict = { moved: 2, lost: 700, countedUntil: '2026-11-22T08:00:00+00:00' }
  expect(parseVerdict(verdictLine(verdict))).toEqual(verdict)
  expect(parseVerdict('Restored: {"moved":0,"lost":0}')).toEqual({ moved: 0, lost: 0 })
  for (const text of ['', 'VolumeLost: x', 'Restored: x', 'Restored: {}'])
    expect(parseVerdict(text)).toBeUndefined()
})
