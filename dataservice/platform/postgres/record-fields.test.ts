import { expect, test } from 'vitest'
import { fieldExpression, indexColumns, quoted } from './record-fields.ts'

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

test('an index ends with the id', () => {
  const field = { pointer: '/a', path: ['a'], parameter: 'a', type: 'boolean' as const }
  expect(indexColumns({ fields: [field] }, 'Time')).toBe(`((body #>> '{"a"}')::boolean), id`)
  expect(indexColumns({ fields: [field] }, 'Hash')).toBe(`((body #>> '{"a"}')::boolean), accepted_at, id`)
})

test('an identifier keeps its quotes', () => {
  expect(quoted('a"b')).toBe('"a""b"')
})
