import { expect, test } from 'vitest'
import { atLeast, atMost, broken, lineOf, rowOf, told } from './figures.ts'

test.each([
  [atMost('violations', 0, 0), true],
  [atMost('violations', 1, 0), false],
  [atMost('seconds', 10, 10), true],
  [atMost('seconds', 10.1, 10), false],
  [atLeast('records', 100, 100), true],
  [atLeast('records', 99, 100), false],
  [atLeast('records', 0, 100), false],
])('%j holds: %s', (figure, holds) => {
  expect(rowOf('suite', 7, figure)).toMatchObject([{ holds, gate: 1, name: 'suite' }])
  expect(lineOf(figure)).toContain(holds ? 'holds' : 'FAILS')
})

test('a figure without a bound is told and has no row', () => {
  expect(rowOf('suite', 7, told('kills', 12))).toEqual([])
  expect(lineOf(told('kills', 12))).toBe('kills: 12')
})

test('a row survives JSON, also where nothing is allowed', () => {
  for (const row of [...rowOf('suite', 7, atMost('violations', 3, 0)), broken('suite', 7)])
    expect(JSON.parse(JSON.stringify(row))).toEqual(row)
})
