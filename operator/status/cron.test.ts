import { expect, test } from 'vitest'
import { nextDue } from './cron.ts'

/** A Friday. */
const after = '2026-01-02T03:04:05Z'

test.each([
  ['* * * * *', '2026-01-02T03:05'],
  ['0 3 * * *', '2026-01-03T03:00'],
  ['23 2 * * *', '2026-01-03T02:23'],
  ['0 */6 * * *', '2026-01-02T06:00'],
  ['5/20 * * * *', '2026-01-02T03:05'],
  ['4 3 * * *', '2026-01-03T03:04'],
  ['10-20/5,50 3 * * *', '2026-01-02T03:10'],
  ['0 0 * * 0', '2026-01-04T00:00'],
  ['0 0 * * MON-Wed', '2026-01-05T00:00'],
  ['0 0 1 feb,JUN *', '2026-02-01T00:00'],
  ['0 0 29 2 *', '2028-02-29T00:00'],
])('%s is next due %s', (schedule, due) => {
  expect(nextDue(schedule, new Date(after))?.toISOString()).toBe(`${due}:00.000Z`)
})

test('what is due at this very moment is not due after it', () => {
  expect(nextDue('0 3 * * *', new Date('2026-01-02T03:00:00Z'))).toEqual(new Date('2026-01-03T03:00:00Z'))
})

test.each([
  ['both said: one of them is enough', '0 0 13 * 1', '2026-01-05'],
  ['steps say it, too', '0 0 */2 * 0', '2026-01-03'],
  ['of all days of the month that of the week decides', '0 0 * * 1', '2026-01-05'],
  ['of all days of the week that of the month decides', '0 0 13 * *', '2026-01-13'],
  ['a star among others leaves it open', '0 0 13,* * 1', '2026-01-05'],
])('days of month and week: %s', (_, schedule, due) => {
  expect(nextDue(schedule, new Date(after))).toEqual(new Date(`${due}T00:00:00Z`))
})

test.each(['0 0 31 2 *', '60 * * * *', '0 0 * * 7', '0 */0 * * *', '9-3 * * * *', '0 0 * * some', ''])(
  '%s is never due: nothing makes it so, or Kubernetes refuses it',
  schedule => {
    expect(nextDue(schedule, new Date(after))).toBeUndefined()
  },
)
