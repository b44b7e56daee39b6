import { expect, test } from 'vitest'
import { fieldExpression, indexDefinition, quoted } from './record-fields.ts'

test.each([
  ['string', `((body #>> '{"a","b"}') COLLATE "C")`],
  ['integer', `((body #>> '{"a","b"}')::numeric)`],
  ['number', `((body #>> '{"a","b"}')::numeric)`],
  ['boolean', `((body #>> '{"a","b"}')::boolean)`],
] as const)('a field of type %s', (type, text) => {
  expect(fieldExpression({ path: ['a', 'b'], type })).toBe(text)
})

test('a name with quotes, braces and backslashes stays one name', () => {
  const path = [`it's`, 'say "hi"', 'a\\b', '{x,y}']
  expect(fieldExpression({ path, type: 'boolean' })).toBe(
    `((body #>> '{"it''s","say \\"hi\\"","a\\\\b","{x,y}"}')::boolean)`,
  )
})

test.each([
  ['Lookup', 'Time', `USING btree (((body #>> '{"a"}')::numeric), id)`],
  ['Lookup', 'Hash', `USING btree (((body #>> '{"a"}')::numeric), accepted_at, id)`],
  [
    'Range',
    'Time',
    `USING brin (((body #>> '{"a"}')::numeric)) WITH (pages_per_range = 32, autosummarize = on)`,
  ],
  [
    'Range',
    'Upsert',
    `USING brin (((body #>> '{"a"}')::numeric)) WITH (pages_per_range = 32, autosummarize = on)`,
  ],
] as const)('an index for %s over a table of kind %s', (use, by, text) => {
  const field = { pointer: '/a', path: ['a'], parameter: 'a', type: 'integer' as const }
  expect(indexDefinition({ use, fields: [field] }, by)).toBe(text)
})

test('an identifier keeps its quotes', () => {
  expect(quoted('a"b')).toBe('"a""b"')
})
