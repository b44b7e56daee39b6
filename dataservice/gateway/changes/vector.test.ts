import { expect, test } from 'vitest'
import { logName, readVector, vectorText } from './vector.ts'

const log = logName('0b1d2c3e-4f50-4000-8000-00000000abcd')

test.each([
  [`${log}.`, new Map()],
  [`${log}.0-0`, new Map([[0, 0n]])],
  [
    `${log}.0-7_11-123456789012345678`,
    new Map([
      [0, 7n],
      [11, 123456789012345678n],
    ]),
  ],
])('%s is read as it was written', (text, next) => {
  expect(readVector(text)).toEqual({ log: '0b1d2c3e4f50', next })
  expect(vectorText({ log, next })).toBe(text)
})

test.each([
  '',
  'x',
  '.0-1',
  `${log}`,
  `${log}.0`,
  `${log}.0-1_`,
  `${log}.0-1,1-2`,
  `${log}.0--1`,
  `${log}.0-1 `,
])('%j is none', text => expect(readVector(text)).toBeUndefined())

test('a text that is longer than any of ours is not looked at', () => {
  expect(readVector(`${log}.${'0-1_'.repeat(4_000)}0-1`)).toBeUndefined()
})
