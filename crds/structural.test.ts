import { Type } from 'typebox'
import { expect, test } from 'vitest'
import { NotStructural, structural } from './structural.ts'

const accepted: [sentence: string, schema: object, wanted: object][] = [
  ['keeps description', { type: 'string', description: 'd' }, { type: 'string', description: 'd' }],
  ['keeps default', { type: 'integer', default: 3 }, { type: 'integer', default: 3 }],
  ['keeps enum', { type: 'string', enum: ['A'] }, { type: 'string', enum: ['A'] }],
  [
    'keeps a format that is checked',
    { type: 'string', format: 'date-time' },
    { type: 'string', format: 'date-time' },
  ],
  ['keeps pattern', { type: 'string', pattern: '^[a-z]$' }, { type: 'string', pattern: '^[a-z]$' }],
  [
    'keeps minLength and maxLength',
    Type.String({ minLength: 1, maxLength: 2 }),
    { type: 'string', minLength: 1, maxLength: 2 },
  ],
  [
    'keeps minimum and maximum',
    Type.Integer({ minimum: 1, maximum: 2 }),
    { type: 'integer', minimum: 1, maximum: 2 },
  ],
  ['keeps multipleOf', Type.Number({ multipleOf: 2 }), { type: 'number', multipleOf: 2 }],
  [
    'writes exclusiveMinimum as OpenAPI does',
    Type.Number({ exclusiveMinimum: 0 }),
    { type: 'number', minimum: 0, exclusiveMinimum: true },
  ],
  [
    'writes exclusiveMaximum as OpenAPI does',
    Type.Number({ exclusiveMaximum: 9 }),
    { type: 'number', maximum: 9, exclusiveMaximum: true },
  ],
  [
    'converts items with their bounds',
    Type.Array(Type.Boolean(), { minItems: 1, maxItems: 2 }),
    { type: 'array', items: { type: 'boolean' }, minItems: 1, maxItems: 2 },
  ],
  ['keeps uniqueItems: false', { type: 'array', uniqueItems: false }, { type: 'array', uniqueItems: false }],
  [
    'requires a property without default only',
    Type.Object({ a: Type.String(), b: Type.String({ default: 'x' }), c: Type.Optional(Type.String()) }),
    {
      type: 'object',
      required: ['a'],
      properties: { a: { type: 'string' }, b: { type: 'string', default: 'x' }, c: { type: 'string' } },
    },
  ],
  [
    'leaves required out when every property has a default',
    Type.Object({ b: Type.String({ default: 'x' }) }, { default: {} }),
    { type: 'object', default: {}, properties: { b: { type: 'string', default: 'x' } } },
  ],
  [
    'converts additionalProperties with their bounds',
    { type: 'object', minProperties: 1, maxProperties: 2, additionalProperties: { type: 'string' } },
    { type: 'object', minProperties: 1, maxProperties: 2, additionalProperties: { type: 'string' } },
  ],
  [
    'keeps preserve-unknown-fields',
    { type: 'object', 'x-kubernetes-preserve-unknown-fields': true },
    { type: 'object', 'x-kubernetes-preserve-unknown-fields': true },
  ],
  ['keeps int-or-string', { 'x-kubernetes-int-or-string': true }, { 'x-kubernetes-int-or-string': true }],
  [
    'keeps embedded-resource',
    { type: 'object', 'x-kubernetes-embedded-resource': true, 'x-kubernetes-preserve-unknown-fields': true },
    { type: 'object', 'x-kubernetes-embedded-resource': true, 'x-kubernetes-preserve-unknown-fields': true },
  ],
  [
    'keeps map-type',
    { type: 'object', 'x-kubernetes-map-type': 'atomic' },
    { type: 'object', 'x-kubernetes-map-type': 'atomic' },
  ],
  [
    'keeps list-type set',
    { type: 'array', items: { type: 'string' }, 'x-kubernetes-list-type': 'set' },
    { type: 'array', items: { type: 'string' }, 'x-kubernetes-list-type': 'set' },
  ],
  [
    'keeps list-type map with its keys',
    Type.Array(Type.Object({ name: Type.String() }), {
      'x-kubernetes-list-type': 'map',
      'x-kubernetes-list-map-keys': ['name'],
    }),
    {
      type: 'array',
      items: { type: 'object', required: ['name'], properties: { name: { type: 'string' } } },
      'x-kubernetes-list-type': 'map',
      'x-kubernetes-list-map-keys': ['name'],
    },
  ],
  [
    'keeps validations',
    { type: 'string', 'x-kubernetes-validations': [{ rule: 'self != ""', message: 'm' }] },
    { type: 'string', 'x-kubernetes-validations': [{ rule: 'self != ""', message: 'm' }] },
  ],
]

test.each(accepted)('%s', (_sentence, schema, wanted) => {
  expect(structural(schema)).toEqual(wanted)
})

const refused: [keyword: string, schema: object, message: RegExp][] = [
  ['$ref', { $ref: '#/definitions/a' }, /write the schema out in place/],
  ['$schema', { type: 'object', $schema: 'https://json-schema.org' }, /leave it out/],
  ['$id', { type: 'object', $id: 'a' }, /leave it out/],
  ['$defs', { type: 'object', $defs: {} }, /in place/],
  ['definitions', { type: 'object', definitions: {} }, /in place/],
  ['patternProperties', Type.Record(Type.String(), Type.String()), /additionalProperties/],
  ['propertyNames', { type: 'object', propertyNames: { type: 'string' } }, /CEL/],
  ['dependencies', { type: 'object', dependencies: {} }, /CEL/],
  ['dependentRequired', { type: 'object', dependentRequired: {} }, /CEL/],
  ['dependentSchemas', { type: 'object', dependentSchemas: {} }, /CEL/],
  ['uniqueItems: true', { type: 'array', uniqueItems: true }, /x-kubernetes-list-type: set/],
  ['additionalProperties: false', Type.Object({}, { additionalProperties: false }), /leave it out/],
  ['additionalProperties: true', { type: 'object', additionalProperties: true }, /leave it out/],
  [
    'additionalProperties beside properties',
    Type.Object({ a: Type.String() }, { additionalProperties: Type.String() }),
    /together with 'properties'/,
  ],
  ['const', Type.Literal('A'), /enum: \['A'\]/],
  ['anyOf', Type.Union([Type.Literal('A'), Type.Literal('B')]), /enum: \['A', 'B'\]/],
  ['oneOf', { oneOf: [] }, /CEL/],
  ['allOf', Type.Intersect([Type.Object({}), Type.Object({})]), /one object/],
  ['not', { not: {} }, /CEL/],
  ['if', { type: 'object', if: {} }, /CEL/],
  ['else', { type: 'object', else: {} }, /CEL/],
  ['enum without type', Type.Enum(['A', 'B']), /no type/],
  ['enum of numbers', { type: 'integer', enum: [1] }, /list of strings/],
  ['no type at all', Type.Unknown(), /no type/],
  ['type null', Type.Null(), /optional field/],
  ['a list of types', { type: ['string', 'null'] }, /optional field/],
  [
    'exclusiveMinimum beside minimum',
    { type: 'number', minimum: 0, exclusiveMinimum: 0 },
    /without 'minimum'/,
  ],
  ['exclusiveMaximum as a mark', { type: 'number', exclusiveMaximum: true }, /must be a number/],
  ['a format nobody checks', Type.String({ format: 'json-pointer' }), /checks only/],
  ['a pattern beyond RE2', { type: 'string', pattern: '^(?!a)' }, /RE2/],
  ['a pattern that is no text', { type: 'string', pattern: /a/ }, /RE2/],
  ['prefixItems', { type: 'array', prefixItems: [] }, /use items/],
  ['additionalItems', { type: 'array', additionalItems: {} }, /use items/],
  ['items as a list', { type: 'array', items: [] }, /one schema/],
  ['contains', { type: 'array', contains: {} }, /CEL/],
  ['examples', Type.String({ examples: ['a'] }), /description/],
  ['readOnly', Type.String({ readOnly: true }), /description/],
  ['writeOnly', Type.String({ writeOnly: true }), /description/],
  ['a keyword nobody knows', Type.String({ colour: 'red' }), /unknown keyword 'colour'/],
  [
    'required without its property',
    { type: 'object', required: ['a'], properties: {} },
    /names no property: a/,
  ],
  [
    'preserve-unknown-fields: false',
    { type: 'object', 'x-kubernetes-preserve-unknown-fields': false },
    /leave it out/,
  ],
  ['int-or-string with a type', { type: 'string', 'x-kubernetes-int-or-string': true }, /without a type/],
  ['int-or-string: false', { type: 'string', 'x-kubernetes-int-or-string': false }, /leave it out/],
  ['map-type of another name', { type: 'object', 'x-kubernetes-map-type': 'set' }, /atomic or granular/],
  ['list-type of another name', { type: 'array', 'x-kubernetes-list-type': 'bag' }, /atomic, set or map/],
  ['list-type map without keys', { type: 'array', 'x-kubernetes-list-type': 'map' }, /list-map-keys/],
  [
    'keys without list-type map',
    { type: 'array', 'x-kubernetes-list-type': 'set', 'x-kubernetes-list-map-keys': ['a'] },
    /only there/,
  ],
  [
    'a list-map key that may be absent',
    Type.Array(Type.Object({ a: Type.Optional(Type.String()) }), {
      'x-kubernetes-list-type': 'map',
      'x-kubernetes-list-map-keys': ['a'],
    }),
    /required or have a default: a/,
  ],
  [
    'a rule without message',
    { type: 'string', 'x-kubernetes-validations': [{ rule: 'true' }] },
    /rule and message/,
  ],
  [
    'a rule with an unknown key',
    { type: 'string', 'x-kubernetes-validations': [{ rule: 'true', message: 'm', when: 'create' }] },
    /knows only/,
  ],
]

test.each(refused)('refuses %s', (_keyword, schema, message) => {
  expect(() => structural(schema)).toThrow(NotStructural)
  expect(() => structural(schema)).toThrow(message)
})

test('an error names the place of the schema', () => {
  const schema = Type.Object({ spec: Type.Object({ names: Type.Array(Type.Null()) }) })
  expect(() => structural(schema)).toThrow(/^spec\.names\[\]: /)
})
