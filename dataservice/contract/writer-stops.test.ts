import { expect, test } from 'vitest'
import { parseStop, type StopReason, stopReasons, stopText } from './writer-stops.ts'

const reasons = Object.keys(stopReasons) as StopReason[]

test.each(reasons)('%s is read as it was written', reason => {
  const stop = { partition: 12, reason, detail: 'next to read is 5; the log: starts at 9' }
  expect(parseStop(`${stopText(stop)}\n`)).toEqual(stop)
})

test('a writer of another version may know another remedy', () => {
  expect(parseStop('partition 0 stopped with LogGap: a; do something')).toEqual({
    partition: 0,
    reason: 'LogGap',
    detail: 'a; do something',
  })
})

test.each(['', 'ready', 'no partitions were claimed yet', 'partition 1 stopped with toString: x', '<html>'])(
  '%j is no stop',
  text => expect(parseStop(text)).toBeUndefined(),
)

test('a detail has an end', () => {
  const stop = parseStop(stopText({ partition: 0, reason: 'LogGap', detail: 'x'.repeat(9000) }))
  expect(stop?.detail).toHaveLength(1000)
})
