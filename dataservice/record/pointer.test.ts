import { expect, test } from 'vitest'
import { keyText, valueAt } from './pointer.ts'

test('a path finds nested values and nothing that is inherited', () => {
  const record = { a: { 'b/c': [10, { d: null }] } }
  expect(valueAt(record, ['a', 'b/c', '0'])).toBe(10)
  expect(valueAt(record, ['a', 'b/c', '1', 'd'])).toBeNull()
  expect(valueAt(record, ['a', 'toString'])).toBeUndefined()
  expect(valueAt(record, ['a', 'b/c', 'd', 'e'])).toBeUndefined()
})

test.each([
  ['', ''],
  ['é', 'é'],
  [42, '42'],
  [-0, '0'],
  [2 ** 53, undefined],
  [1.5, undefined],
  [null, undefined],
])('the key of %j is %j', (value, text) => expect(keyText(value)).toBe(text))
