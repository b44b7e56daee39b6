import { expect, test } from 'vitest'
import { closingLine, type Outcome, sum, tallyOf } from './closing-line.ts'

const run = (changes: Partial<Outcome>): Outcome => ({
  tests: ['passed', 'passed'],
  brokenSuites: 0,
  unfinishedFiles: 0,
  unhandledErrors: 0,
  selectedByName: false,
  ...changes,
})

test.each<[string, Partial<Outcome>, string]>([
  ['counts passed tests', {}, '2 passed, 0 failed'],
  ['counts failed tests', { tests: ['passed', 'failed'] }, '1 passed, 1 failed'],
  ['counts a skipped test as failed', { tests: ['passed', 'skipped'] }, '1 passed, 1 failed'],
  ['counts a test that never ended as failed', { tests: ['pending'] }, '0 passed, 1 failed'],
  ['counts a file that does not load as failed', { tests: [], brokenSuites: 1 }, '0 passed, 1 failed'],
  ['counts a file that never ended as failed', { unfinishedFiles: 1 }, '2 passed, 1 failed'],
  ['counts an error outside any test as failed', { unhandledErrors: 2 }, '2 passed, 2 failed'],
  [
    'leaves out tests that a name pattern skips',
    { tests: ['passed', 'skipped'], selectedByName: true },
    '1 passed, 0 failed',
  ],
])('%s', (_sentence, changes, line) => {
  expect(closingLine(tallyOf(run(changes)))).toBe(line)
})

test('sums the projects', () => {
  expect(
    sum([
      { passed: 1, failed: 2 },
      { passed: 10, failed: 20 },
    ]),
  ).toEqual({ passed: 11, failed: 22 })
})
