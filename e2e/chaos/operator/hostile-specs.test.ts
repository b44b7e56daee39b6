import fc from 'fast-check'
import { expect, test } from 'vitest'
import { hostileText, merged, planted, stringFields } from './hostile-specs.ts'

const schema = {
  type: 'object',
  properties: {
    mode: { type: 'string', enum: ['A', 'B'] },
    labels: { type: 'object', additionalProperties: { type: 'string', maxLength: 9 } },
    keys: {
      type: 'array',
      items: {
        type: 'object',
        required: ['name', 'size', 'kind'],
        properties: {
          name: { type: 'string', pattern: '^[a-z]+$' },
          size: { type: 'string', pattern: '^[1-9][0-9]*Gi$' },
          kind: { type: 'string', enum: ['X'] },
        },
      },
    },
  },
}
const trap = { namespace: 'victim', object: 'prize', listener: '127.0.0.1:4711' }

test('every string is found, keys of maps too; closed lists are not', () => {
  const paths = stringFields(schema).map(({ path }) => path)
  expect(paths).toEqual(['labels.{key}', 'labels.{}', 'keys.[].name', 'keys.[].size'])
})

test('what must stand beside a string is filled in', () => {
  const built = stringFields(schema).map(({ steps }) => planted(schema, steps, 'evil'))
  expect(built).toEqual([
    { labels: { evil: 'word' } },
    { labels: { trap: 'evil' } },
    { keys: [{ name: 'evil', size: '1Gi', kind: 'X' }] },
    { keys: [{ name: 'word', size: 'evil', kind: 'X' }] },
  ])
})

test('a pattern is obeyed as often as there is something hostile that obeys it', () => {
  const [, , name] = stringFields(schema)
  if (name === undefined) throw new Error('there are four fields')
  const texts = fc.sample(hostileText(name, trap), { numRuns: 200, seed: 1 })
  expect(texts.filter(text => /^[a-z]+$/.test(text)).length).toBeGreaterThan(120)
  expect(texts).toContain('prize')
  expect(new Set(texts).size).toBeGreaterThan(20)
})

test('two specs are merged by their members', () => {
  const both = merged({ a: { b: 1, c: [1] }, d: 2 }, { a: { c: [2], e: 3 } })
  expect(both).toEqual({ a: { b: 1, c: [2], e: 3 }, d: 2 })
})
