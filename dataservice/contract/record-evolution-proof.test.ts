import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { AcceptedRecord, RecordDeclaration } from './record-declaration.ts'
import { judgeChange } from './record-evolution.ts'
import { judgeRecord } from './record-schema.ts'

describe('what is called compatible is compatible', () => {
  const leaves: unknown[] = [
    true,
    false,
    { type: 'integer' },
    { type: 'number' },
    { type: 'integer', minimum: 1 },
    { type: 'number', exclusiveMinimum: 0, maximum: 3 },
    { type: 'number', minimum: 0, exclusiveMaximum: 4 },
    { multipleOf: 2 },
    { type: 'string', maxLength: 1 },
    { type: 'string', minLength: 1, maxLength: 3 },
    { type: 'string', pattern: '^a' },
    { type: ['string', 'null'] },
    { enum: [1, 'a', null] },
    { enum: ['a', 1, null, { x: 1 }] },
    { const: 'a' },
    { type: 'array', items: { type: 'integer' } },
    { type: 'array', items: { type: 'number' }, maxItems: 2 },
    { type: 'array', prefixItems: [{ type: 'integer' }], items: false },
    { type: 'array', contains: { const: 1 } },
    { type: 'object', properties: { x: { type: 'integer' } }, additionalProperties: false },
    { type: 'object', properties: { x: { type: 'number' }, y: true }, additionalProperties: false },
    { type: 'object', additionalProperties: { type: 'integer' } },
    { type: 'object', required: ['x'] },
    { type: 'object', properties: { x: { type: 'integer' } }, unevaluatedProperties: false },
    { type: 'object', patternProperties: { '^x': { type: 'integer' } }, additionalProperties: false },
    { anyOf: [{ type: 'integer' }, { type: 'string' }] },
    { anyOf: [{ type: 'string' }, { type: 'integer' }, { type: 'null' }] },
    { oneOf: [{ type: 'number' }, { type: 'integer' }] },
    { allOf: [{ type: 'number' }, { maximum: 2 }] },
    { allOf: [{ type: 'number' }] },
    { not: { type: 'string' } },
    JSON.parse('{"if":{"type":"number"},"then":{"maximum":2},"else":{"type":"string"}}'),
    { $ref: '#/$defs/shared' },
    { $ref: '#/$defs/shared', maxLength: 1 },
    { anyOf: [{ $ref: '#/$defs/shared' }, { type: 'null' }] },
  ]
  const samples = [
    0,
    1,
    2,
    2.5,
    4,
    -1,
    '',
    'a',
    'ab',
    'abcd',
    'b',
    null,
    true,
    [],
    [1],
    [1, 2.5],
    ['a'],
    [2, 2, 2],
  ]
  const objects = [{}, { x: 1 }, { x: 2.5 }, { x: 'a' }, { y: 1 }, { x: 1, y: 'a' }]
  const leaf = fc.constantFrom(...leaves)
  const shape = fc.record({
    properties: fc.record({ a: leaf, b: leaf, c: leaf }, { requiredKeys: [] }),
    required: fc.subarray(['a', 'b']),
    others: fc.constantFrom(undefined, false, { type: 'integer' }, { type: 'number' }),
    shared: fc.constantFrom(
      { type: 'integer' },
      { type: 'number' },
      { type: 'string', maxLength: 1 },
      { type: 'string' },
    ),
  })
  type Shape = typeof shape extends fc.Arbitrary<infer T> ? T : never
  const declared = ({ properties, required, others, shared }: Shape): RecordDeclaration => ({
    schema: {
      type: 'object',
      properties,
      ...(required.length > 0 ? { required } : {}),
      ...(others === undefined ? {} : { additionalProperties: others }),
      $defs: { shared },
    },
    indexes: [],
  })
  /** The second shape keeps most of the first, so that many pairs are compatible. */
  const pair = fc
    .tuple(shape, shape, fc.subarray(['properties', 'required', 'others', 'shared', 'a', 'b', 'c'] as const))
    .map(([one, other, kept]): [Shape, Shape] => {
      const keeps = (name: (typeof kept)[number]) => kept.includes(name)
      const names = (['a', 'b', 'c'] as const).flatMap(name => {
        const from = keeps(name) ? one : other
        return Object.hasOwn(from.properties, name) ? [[name, from.properties[name]] as const] : []
      })
      const after: Shape = {
        properties: keeps('properties') ? one.properties : Object.fromEntries(names),
        required: keeps('required') ? one.required : other.required,
        others: keeps('others') ? one.others : other.others,
        shared: keeps('shared') ? one.shared : other.shared,
      }
      return [one, after]
    })
  const value = fc.constantFrom<unknown>(...samples, ...objects)

  const alone = (schema: unknown): RecordDeclaration => ({
    schema: {
      type: 'object',
      properties: { a: schema },
      $defs: { shared: { type: 'string', maxLength: 2 } },
    },
    indexes: [],
  })

  /** Values that only `before` takes. */
  const lostValues = (before: AcceptedRecord, after: AcceptedRecord): unknown[] =>
    [...samples, ...objects].filter(
      a => before.check({ a }) === undefined && after.check({ a }) !== undefined,
    )

  test('for each pair of schemas and each value', () => {
    const judged = leaves.flatMap(schema => {
      const verdict = judgeRecord(alone(schema))
      return verdict.kind === 'accepted' ? [{ schema, record: verdict.record }] : []
    })
    const pairs = judged.flatMap(before => judged.map(after => ({ before, after })))
    const passed = pairs.filter(
      ({ before, after }) => judgeChange(alone(before.schema), alone(after.schema)).length === 0,
    )
    expect(passed.length).toBeGreaterThan(leaves.length)
    for (const { before, after } of passed)
      expect({ before, after, lost: lostValues(before.record, after.record) }).toMatchObject({ lost: [] })
  })

  test('a record that names declared fields and was valid stays valid', () => {
    let proved = 0
    fc.assert(
      fc.property(
        pair,
        fc.array(fc.record({ a: value, b: value, c: value, other: value }, { requiredKeys: [] }), {
          minLength: 5,
          maxLength: 20,
        }),
        ([before, after], records) => {
          const [was, now] = [judgeRecord(declared(before)), judgeRecord(declared(after))]
          fc.pre(was.kind === 'accepted' && now.kind === 'accepted')
          if (was.kind !== 'accepted' || now.kind !== 'accepted') return
          if (judgeChange(declared(before), declared(after)).length > 0) return
          for (const record of records) {
            const known = Object.entries(record).filter(
              ([name]) => name === 'other' || Object.hasOwn(before.properties, name),
            )
            const plain = Object.fromEntries(known)
            if (was.record.check(plain) !== undefined) continue
            proved += 1
            expect(now.record.check(plain), JSON.stringify({ plain, before, after })).toBeUndefined()
          }
        },
      ),
      { numRuns: 400 },
    )
    expect(proved).toBeGreaterThan(0) // how many it is varies a lot
  })
})
