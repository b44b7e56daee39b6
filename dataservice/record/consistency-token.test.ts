import { generateKeySync } from 'node:crypto'
import { expect, test } from 'vitest'
import { readTokens, writeToken } from './consistency-token.ts'

const key = generateKeySync('hmac', { length: 256 })
const position = (offsets: Record<number, bigint>, log = 'c1-us_1') => ({
  log,
  offsets: new Map(Object.entries(offsets).map(([partition, offset]) => [Number(partition), offset])),
})

test('says what it was given', () => {
  const given = position({ 0: 5n, 11: 2n ** 63n - 1n })
  expect(readTokens(key, writeToken(key, given))).toEqual(given)
})

test('the name of a log may be any text', () => {
  const given = position({ 0: 5n }, 'a.1-2,%ü')
  expect(readTokens(key, writeToken(key, given))).toEqual(given)
})

test('several in one header are one: of each partition the highest offset', () => {
  const tokens = [position({ 0: 5n, 1: 9n }), position({ 0: 7n, 2: 1n }), position({ 1: 3n })]
  const header = tokens.map(each => writeToken(key, each)).join(', ')
  expect(readTokens(key, header)).toEqual(position({ 0: 7n, 1: 9n, 2: 1n }))
})

test.each([
  [
    'of another log',
    [position({ 0: 1n }), position({ 0: 1n }, 'other')].map(each => writeToken(key, each)).join(),
  ],
  ['with another key', writeToken(generateKeySync('hmac', { length: 256 }), position({ 0: 1n }))],
  ['cut off', writeToken(key, position({ 0: 1n })).slice(0, -1)],
  ['changed', writeToken(key, position({ 0: 1n })).replace('0-1', '0-2')],
  ['with a longer signature', `${writeToken(key, position({ 0: 1n }))}A`],
  ['empty', ''],
  ['no token', 'abc'],
  ['far too long', 'a'.repeat(10_000)],
  ['that names nothing', writeToken(key, position({}))],
])('a token %s is none', (_, header) => {
  expect(readTokens(key, header)).toBeUndefined()
})
