import fc from 'fast-check'
import { expect, test } from 'vitest'
import { canonicalText, contentHash, isPlainObject } from './hash.ts'

/** As JSON.stringify itself makes it of objects whose keys were put in order: what is sealed by it stays sealed. */
const byReplacer = (value: unknown): string =>
  JSON.stringify(value, (_key, member: unknown) =>
    isPlainObject(member)
      ? Object.fromEntries(Object.entries(member).sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0)))
      : member,
  )

test('the text is the one of JSON.stringify with sorted keys', () => {
  const key = fc.oneof(fc.string(), fc.nat({ max: 120 }).map(String))
  const value = fc.letrec(tie => ({
    any: fc.oneof(
      { maxDepth: 4 },
      fc.constant(undefined),
      fc.jsonValue({ maxDepth: 0 }),
      fc.array(tie('any')),
      fc.dictionary(key, tie('any')),
    ),
  })).any
  fc.assert(
    fc.property(value, each => {
      expect(canonicalText(each)).toBe(byReplacer(each))
    }),
    { numRuns: 2_000 },
  )
})

test('the order of keys does not matter, and that of lists does', () => {
  expect(contentHash({ a: 1, b: [1, 2] })).toBe(contentHash({ b: [1, 2], a: 1 }))
  expect(contentHash({ b: [1, 2] })).not.toBe(contentHash({ b: [2, 1] }))
})
