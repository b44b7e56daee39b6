import { expect, test } from 'vitest'
import { behind, longestStall } from './progress.ts'

const look = (seconds: number, log: number[], stored: number[]) => ({ at: seconds * 1000, log, stored })

test('a partition that is behind and does not move stalls; one that has all does not', () => {
  const looks = [
    look(0, [5, 5], [5, 0]),
    look(1, [5, 5], [5, 3]),
    look(2, [9, 5], [5, 3]),
    look(3, [9, 5], [9, 3]),
    look(4, [9, 5], [9, 5]),
    look(9, [9, 5], [9, 5]),
  ]
  expect(longestStall(looks)).toBe(2)
  expect(longestStall(looks, 3_000)).toBe(0)
  expect(looks.map(behind)).toEqual([5, 2, 6, 2, 0, 0])
})
