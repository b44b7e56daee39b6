import { expect, test } from 'vitest'
import { logRecord } from '#e2e/engines/records.ts'
import { Intake } from './intake.ts'
import { recordsTables } from './table.ts'

const intake = (nextOffset: bigint, lastId?: string) =>
  new Intake({
    position: { nextOffset, lastId },
    checkLast: lastId !== undefined,
    table: recordsTables.Time,
    known: { has: () => true },
  })

const at = (offset: bigint, eventId = `e${offset}`) => logRecord(offset, { body: '{}', eventId })

/** Offsets that were taken, and why no more were. */
function taken(from: Intake, ...offsets: bigint[]) {
  const rows = offsets.flatMap(offset => from.take(at(offset)) ?? [])
  return { offsets: rows.map(({ offset }) => offset), stop: from.stop }
}

const hole = (detail: string) => ({ reason: 'LogHole', detail })

test.each([
  ['goes on behind the last one stored', intake(10n, 'e9'), [9n, 10n, 11n], [10n, 11n], undefined],
  ['begins at the start', intake(0n), [0n, 1n], [0n, 1n], undefined],
  [
    'stops in front of a hole',
    intake(10n, 'e9'),
    [9n, 10n, 13n, 14n],
    [10n],
    hole('stored up to offset 10, the log goes on at offset 13'),
  ],
  [
    'stops in front of a hole at the start',
    intake(0n),
    [2n],
    [],
    hole('nothing is stored, the log goes on at offset 2'),
  ],
  [
    'stops where the last one stored is gone',
    intake(10n, 'e9'),
    [10n],
    [],
    hole(
      'stored up to offset 9, the log goes on at offset 10, and does not hold the last record stored any more',
    ),
  ],
  [
    'goes on behind a hole when the position says so, without an id',
    intake(13n),
    [13n, 14n],
    [13n, 14n],
    undefined,
  ],
  [
    'stops where another event has the place of the last one stored',
    intake(10n, 'e8'),
    [9n, 10n],
    [],
    { reason: 'LogReplaced', detail: 'the event at offset 9 is e9, stored was e8' },
  ],
])('%s', (_, from, offsets, wanted, stop) => {
  expect(taken(from, ...offsets)).toEqual({ offsets: wanted, stop })
})
