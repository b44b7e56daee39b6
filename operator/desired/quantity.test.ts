import { expect, test } from 'vitest'
import { quantityValue } from './quantity.ts'

test.each([
  ['0.25', '250m'],
  ['1.5Gi', '1536Mi'],
  ['1e3', '1k'],
  ['.5', '500m'],
  ['5743840.5m', '5743841m'],
  ['100n', '1m'],
  ['999999999999Ei', '9223372036854775807'],
  ['0.0001', '1m'],
])('%s is what the API server stores as %s', (written, stored) => {
  expect(quantityValue(written)).toBe(quantityValue(stored))
})

test.each([
  ['1Gi', 2 ** 30],
  ['100M', 1e8],
  ['-2', -2],
  ['250m', 0.25],
])('%s is %d', (text, number) => {
  expect(quantityValue(text)).toBe(number)
})

test.each(['', '.', 'Gi', '1Q', '1 Gi', 'abc', '1e400', '1mi'])('%j is none', text => {
  expect(quantityValue(text)).toBeUndefined()
})
