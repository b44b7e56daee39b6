import fc from 'fast-check'
import { expect, test } from 'vitest'
import { deepFrozen, differencesFrom, patternOf, restored } from './likeness.ts'

const service = (namespace: string, name: string, more: object = {}) =>
  deepFrozen({
    metadata: { name: `${name}-reader`, namespace, labels: { instance: name, part: 'dataservice' }, ...more },
    spec: { host: `${name}-reader.${namespace}.svc`, ports: [{ port: 80 }, { port: 90 }] },
  })

const pattern = patternOf(service('shop', 'orders'), ['shop', 'orders'])

test('names are not told: who knows the other ones knows the words that hold them', () => {
  const other = service('bank', 'loans')
  expect(differencesFrom(pattern, other, ['bank', 'loans'])).toEqual([])
  expect(restored(pattern, [], ['bank', 'loans'])).toEqual(other)
})

test('a part with other fields is told as a whole, and the rest is not', () => {
  const other = service('shop', 'orders', { generation: 2 })
  const differences = differencesFrom(pattern, other, ['shop', 'orders'])
  expect(differences).toHaveLength(1)
  expect(restored(pattern, differences, ['shop', 'orders'])).toEqual(other)
})

test('whatever an object holds, it comes back as it was, and frozen', () => {
  const subjects = fc.tuple(fc.string({ maxLength: 6 }), fc.string({ maxLength: 6 }))
  const json = fc.jsonValue({ maxDepth: 4 })
  fc.assert(
    fc.property(json, json, subjects, subjects, (one, other, first, second) => {
      const learned = patternOf(deepFrozen(one), first)
      const back = restored(learned, differencesFrom(learned, other, second), second)
      expect(JSON.stringify(back)).toBe(JSON.stringify(other))
      expect(Object.isFrozen(back)).toBe(true)
    }),
    { numRuns: 2_000 },
  )
})

test('what differs in little comes back, too', () => {
  const subjects = fc.tuple(fc.stringMatching(/^[a-z]{1,8}$/), fc.stringMatching(/^[a-z]{1,8}$/))
  fc.assert(
    fc.property(subjects, subjects, fc.jsonValue({ maxDepth: 2 }), (first, second, more) => {
      const learned = patternOf(service(...first), first)
      const other = service(...second, { generation: more })
      expect(restored(learned, differencesFrom(learned, other, second), second)).toEqual(other)
    }),
  )
})
