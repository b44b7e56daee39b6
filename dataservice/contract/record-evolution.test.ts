import { expect, test } from 'vitest'
import type { RecordDeclaration } from './record-declaration.ts'
import { judgeChange } from './record-evolution.ts'
import { judgeRecord } from './record-schema.ts'

const text = (maxLength: number) => ({ type: 'string', maxLength })

const schema = {
  type: 'object',
  required: ['customerId'],
  properties: {
    customerId: text(64),
    amount: { type: 'integer', minimum: 0, maximum: 100 },
    status: { type: 'string', maxLength: 16, enum: ['new', 'paid'] },
    tags: { type: 'array', items: text(8), maxItems: 4 },
    place: { $ref: '#/$defs/place' },
    code: { anyOf: [{ type: 'string', pattern: '^a' }, { type: 'integer' }] },
  },
  $defs: { place: { type: 'object', properties: { city: text(32) }, additionalProperties: false } },
}
const base: RecordDeclaration = { schema, key: '/customerId', indexes: [{ fields: ['/amount'] }] }

const withSchema = (changes: object): RecordDeclaration => ({ ...base, schema: { ...schema, ...changes } })
const withProperties = (changes: object): RecordDeclaration =>
  withSchema({ properties: { ...schema.properties, ...changes } })
const withPlace = (place: object): RecordDeclaration => withSchema({ $defs: { place } })
const closed: RecordDeclaration = withSchema({ additionalProperties: false })

function places(before: RecordDeclaration, after: RecordDeclaration): string[] {
  for (const declaration of [before, after]) expect(judgeRecord(declaration).kind).toBe('accepted')
  return judgeChange(before, after).map(({ pointer }) => pointer)
}

const compatible: Record<string, [RecordDeclaration, RecordDeclaration]> = {
  'nothing changes': [base, structuredClone(base)],
  'an optional field is added': [base, withProperties({ note: text(200) })],
  'an optional field is added to a closed object': [
    closed,
    { ...closed, schema: { ...closed.schema, properties: { ...schema.properties, note: text(9) } } },
  ],
  'an optional field of a closed object is indexed at once': [
    closed,
    {
      schema: { ...closed.schema, properties: { ...schema.properties, note: text(9) } },
      key: '/customerId',
      indexes: [{ fields: ['/amount'] }, { fields: ['/note'] }],
    },
  ],
  'a longer string': [base, withProperties({ customerId: text(128) })],
  'no length any more': [base, withProperties({ tags: { type: 'array' } })],
  'wider bounds of a number': [base, withProperties({ amount: { type: 'integer', minimum: -5 } })],
  'a closed bound from an open one': [
    withProperties({ amount: { type: 'integer', exclusiveMinimum: 3 } }),
    withProperties({ amount: { type: 'integer', minimum: 3 } }),
  ],
  'an open bound below the closed one': [
    base,
    withProperties({ amount: { type: 'integer', exclusiveMinimum: -1, maximum: 100 } }),
  ],
  'one more value': [base, withProperties({ status: { ...text(16), enum: ['paid', 'new', 'gone'] } })],
  'any value': [base, withProperties({ status: text(16) })],
  descriptions: [base, withSchema({ title: 'Order', description: 'One order' })],
  'a description inside a branch': [
    base,
    withProperties({ code: { anyOf: [{ type: 'string', pattern: '^a', title: 'x' }, { type: 'integer' }] } }),
  ],
  'one more branch': [
    base,
    withProperties({
      code: { anyOf: [{ type: 'integer' }, { type: 'null' }, { type: 'string', pattern: '^a' }] },
    }),
  ],
  'a wider definition': [base, withPlace({ type: 'object', properties: { city: text(64) } })],
  'a definition written in place': [base, withProperties({ place: { type: 'object', properties: {} } })],
  'a field that is no longer declared': [
    base,
    withSchema({ properties: { ...schema.properties, code: {} } }),
  ],
  'a field is not required any more': [base, { ...withSchema({ required: [] }), indexes: [] }].map(one => ({
    schema: one.schema,
    indexes: one.indexes,
  })) as [RecordDeclaration, RecordDeclaration],
  'a declared field is indexed': [
    base,
    { ...base, indexes: [{ fields: ['/amount'] }, { fields: ['/status'] }] },
  ],
  'an index goes': [base, { ...base, indexes: [] }],
  'a field that is not indexed takes more types': [
    { ...base, indexes: [] },
    { ...withProperties({ amount: { type: 'number' } }), indexes: [] },
  ],
}

const incompatible: Record<string, [RecordDeclaration, RecordDeclaration, string]> = {
  'a new required field': [
    base,
    { ...withProperties({ note: text(9) }), schema: { ...schema, required: ['customerId', 'amount'] } },
    '/schema/required/1',
  ],
  'a shorter string': [
    base,
    withProperties({ tags: { type: 'array', maxItems: 4, items: text(7) } }),
    '/schema/properties/tags/items/maxLength',
  ],
  'a length where there was none': [
    withProperties({ note: { type: 'string' } }),
    withProperties({ note: text(9) }),
    '/schema/properties/note/maxLength',
  ],
  'a narrower number': [
    base,
    withProperties({ amount: { type: 'integer', minimum: 1, maximum: 100 } }),
    '/schema/properties/amount/minimum',
  ],
  'an open bound at the closed one': [
    base,
    withProperties({ amount: { type: 'integer', minimum: 0, exclusiveMaximum: 100 } }),
    '/schema/properties/amount/exclusiveMaximum',
  ],
  'another type': [base, withProperties({ tags: text(9) }), '/schema/properties/tags/type'],
  'fewer types': [
    withProperties({ note: { type: ['string', 'null'] } }),
    withProperties({ note: { type: 'string' } }),
    '/schema/properties/note/type',
  ],
  'a wider type of an indexed field': [
    base,
    withProperties({ amount: { type: 'number', minimum: 0, maximum: 100 } }),
    '/indexes/0/fields/0',
  ],
  'a value that goes': [
    base,
    withProperties({ status: { ...text(16), enum: ['new'] } }),
    '/schema/properties/status/enum',
  ],
  'values where all were allowed': [
    withProperties({ note: text(9) }),
    withProperties({ note: { ...text(9), const: 'x' } }),
    '/schema/properties/note/const',
  ],
  'a pattern': [
    base,
    withProperties({ customerId: { ...text(64), pattern: '^c' } }),
    '/schema/properties/customerId/pattern',
  ],
  'a format': [
    base,
    withProperties({ customerId: { ...text(64), format: 'uuid' } }),
    '/schema/properties/customerId/format',
  ],
  'a closed object': [base, closed, '/schema/additionalProperties'],
  'a property taken out of a closed object': [
    closed,
    {
      schema: { ...closed.schema, properties: { customerId: text(64), amount: { type: 'integer' } } },
      key: '/customerId',
      indexes: [],
    },
    '/schema/properties/status',
  ],
  'a property that others had to match': [
    withSchema({ additionalProperties: { type: 'string' } }),
    {
      ...withSchema({ additionalProperties: { type: 'string' } }),
      ...{
        schema: {
          ...schema,
          additionalProperties: { type: 'string' },
          properties: { ...schema.properties, note: { type: 'integer' } },
        },
      },
    },
    '/schema/properties/note/type',
  ],
  'a narrower definition': [
    base,
    withPlace({ type: 'object', properties: { city: text(31) }, additionalProperties: false }),
    '/schema/properties/place/properties/city/maxLength',
  ],
  'a definition that a branch refers to': [
    withSchema({ anyOf: [{ $ref: '#/$defs/place' }, { type: 'object' }] }),
    {
      ...base,
      schema: {
        ...schema,
        anyOf: [{ $ref: '#/$defs/place' }, { type: 'object' }],
        $defs: { place: { type: 'object', properties: { city: text(31) } } },
      },
    },
    '/schema/anyOf',
  ],
  'a branch less': [
    base,
    withProperties({ code: { anyOf: [{ type: 'integer' }] } }),
    '/schema/properties/code/anyOf',
  ],
  'one more condition': [base, withSchema({ allOf: [{ minProperties: 2 }] }), '/schema/allOf/0'],
  'a condition on what is present': [
    base,
    withSchema({ dependentRequired: { status: ['amount'] } }),
    '/schema/dependentRequired',
  ],
  'nothing is left': [base, withProperties({ code: false }), '/schema/properties/code'],
  'another id': [
    { schema: { ...schema, required: ['customerId', 'amount'] }, id: '/customerId', indexes: [] },
    { schema: { ...schema, required: ['customerId', 'amount'] }, indexes: [] },
    '/id',
  ],
  'another key': [
    { schema: { ...schema, required: ['customerId', 'amount'] }, key: '/customerId', indexes: [] },
    { schema: { ...schema, required: ['customerId', 'amount'] }, key: '/amount', indexes: [] },
    '/key',
  ],
  'an index over a field that was open until now': [
    base,
    { ...withProperties({ note: text(9) }), indexes: [{ fields: ['/amount', '/note'] }] },
    '/indexes/0/fields/1',
  ],
  'an index over a string that had no bound': [
    withProperties({ note: { type: 'string' } }),
    { ...withProperties({ note: text(9) }), indexes: [{ fields: ['/note'] }] },
    '/indexes/0/fields/0',
  ],
}

test.each(Object.entries(compatible))('compatible: %s', (_, [before, after]) => {
  expect(places(before, after)).toEqual([])
})

test.each(Object.entries(incompatible))('refused: %s', (_, [before, after, pointer]) => {
  expect(places(before, after)).toContain(pointer)
  const found = judgeChange(before, after).find(problem => problem.pointer === pointer)
  expect(found?.message).toMatch(/: .*(DataService|record\.versions)/)
})

test('schemas that refer to themselves come to an end', () => {
  const tree = (maxLength: number): RecordDeclaration => ({
    schema: {
      type: 'object',
      properties: { name: text(maxLength), children: { type: 'array', items: { $ref: '#' } } },
    },
    indexes: [],
  })
  expect(places(tree(5), tree(6))).toEqual([])
  expect(places(tree(6), tree(5))).toEqual(['/schema/properties/name/maxLength'])
})
