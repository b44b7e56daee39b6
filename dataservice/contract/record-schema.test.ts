import { describe, expect, test } from 'vitest'
import type { AcceptedRecord, RecordDeclaration, RecordProblem } from './record-declaration.ts'
import { judgeRecord } from './record-schema.ts'

const text = (maxLength: number) => ({ type: 'string', maxLength })
const orders = {
  type: 'object',
  required: ['customerId', 'amount'],
  properties: {
    customerId: text(64),
    amount: { type: 'number' },
    status: text(16),
    place: {
      type: 'object',
      required: ['city'],
      properties: { city: text(40), zone: { $ref: '#/$defs/zone' } },
    },
  },
  $defs: { zone: { type: 'integer' } },
}
const base: RecordDeclaration = { schema: orders, indexes: [] }
const withProperty = (property: unknown): RecordDeclaration => ({
  ...base,
  schema: { ...orders, properties: { ...orders.properties, more: property } },
})

function accepted(declaration: RecordDeclaration): AcceptedRecord {
  const verdict = judgeRecord(declaration)
  if (verdict.kind === 'refused') throw new Error(JSON.stringify(verdict.problems))
  return verdict.record
}

function problems(declaration: RecordDeclaration): readonly RecordProblem[] {
  const verdict = judgeRecord(declaration)
  return verdict.kind === 'refused' ? verdict.problems : []
}

describe('an accepted declaration', () => {
  test('answers key, indexes with typed fields, and a stable schema version', () => {
    const indexes = [{ fields: ['/customerId'] }, { fields: ['/place/city', '/place/zone'] }]
    const record = accepted({ schema: orders, key: '/customerId', indexes })
    expect(record.keyPath).toEqual(['customerId'])
    expect(record.idPath).toBeUndefined()
    expect(record.schemaVersion).toMatch(/^[0-9a-f]{8}$/)
    expect(record.indexes.map(index => index.fields.map(field => [field.parameter, field.type]))).toEqual([
      [['customerId', 'string']],
      [
        ['place.city', 'string'],
        ['place.zone', 'integer'],
      ],
    ])
    expect(record.indexes[0]?.name).toMatch(/^records_by_[0-9a-f]{8}$/)
  })

  test('answers the path of a natural id, a text or an integer', () => {
    expect(accepted({ ...base, id: '/customerId' }).idPath).toEqual(['customerId'])
    expect(accepted(identified({ type: 'integer' })).idPath).toEqual(['more'])
    expect(accepted(identified(text(600))).idPath).toEqual(['more'])
  })

  test('has the same version whatever the order of its keys, and another one after a change', () => {
    const { schemaVersion } = accepted(base)
    expect(
      accepted({ ...base, schema: Object.fromEntries(Object.entries(orders).reverse()) }).schemaVersion,
    ).toBe(schemaVersion)
    expect(accepted(withProperty(true)).schemaVersion).not.toBe(schemaVersion)
  })

  test('checks records and names the place of the first violation', () => {
    const { check } = accepted(withProperty({ enum: ['a', 'b'] }))
    expect(check({ customerId: 'c', amount: 1 })).toBeUndefined()
    expect(check({ customerId: 'c' })).toEqual({
      pointer: '',
      message: "must have required property 'amount'",
    })
    expect(check({ customerId: 'c', amount: '1' })).toEqual({ pointer: '/amount', message: 'must be number' })
    expect(check({ customerId: 'c', amount: 1, more: 'd' })?.message).toContain('a, b')
  })

  test('does not take inherited properties for fields of the record', () => {
    const { check } = accepted({ indexes: [], schema: { type: 'object', required: ['constructor'] } })
    expect(check({})?.message).toContain('constructor')
  })

  test('keeps two patterns apart', () => {
    const { check } = accepted({
      indexes: [],
      schema: { type: 'object', properties: { a: { pattern: '^a+$' }, b: { pattern: '^b+$' } } },
    })
    expect(check({ a: 'aa', b: 'bb' })).toBeUndefined()
    expect(check({ a: 'aa', b: 'aa' })?.pointer).toBe('/b')
  })

  test('matches a pattern that would hang a backtracking engine in linear time', () => {
    const { check } = accepted({
      indexes: [],
      schema: { type: 'object', properties: { a: { pattern: '^(a+)+$' } } },
    })
    const started = performance.now()
    expect(check({ a: `${'a'.repeat(20_000)}!` })?.pointer).toBe('/a')
    expect(performance.now() - started).toBeLessThan(2_000)
  })

  const formatted: [string, string, string][] = [
    ['date', '2026-02-28', '2026-02-30'],
    ['time', '10:00:00Z', '10:00'],
    ['date-time', '2026-02-28T10:00:00.5+01:00', '2026-02-28 '],
    ['email', 'a.b@example.org', 'a b@example.org'],
    ['hostname', 'a.example.org', '-a.example'],
    ['ipv4', '10.0.0.1', '10.0.0.256'],
    ['ipv6', 'fd00::1', 'fe80::1%eth0'],
    ['uri', 'https://example.org/a?b=c', 'no uri'],
    ['uuid', '019a0000-0000-7000-8000-000000000000', '019a0000'],
  ]
  test.each(formatted)('the format %s accepts %s and refuses %s', (format, right, wrong) => {
    const { check } = accepted(withProperty({ type: 'string', format }))
    const record = (more: string) => ({ customerId: 'c', amount: 1, more })
    expect(check(record(right))).toBeUndefined()
    expect(check(record(wrong))?.pointer).toBe('/more')
    expect(check(record('a@'.repeat(50_000)))?.pointer).toBe('/more')
  })
})

/** What is declared, where the problem stands, and a word of its remedy. */
const refusals: Record<string, [RecordDeclaration, string, string]> = {
  'a schema above 64 KiB': [withProperty({ description: 'x'.repeat(70_000) }), '/schema', 'shorten'],
  'a schema nested too deep': [withProperty(nested(70)), '/schema', '$defs'],
  'a schema of another type than object': [{ ...base, schema: { type: 'array' } }, '/schema/type', 'object'],
  'a schema without a type': [{ ...base, schema: {} }, '/schema/type', 'object'],
  'an unknown keyword': [withProperty({ maxLenght: 3 }), '/schema/properties/more/maxLenght', 'spelling'],
  'a keyword of OpenAPI': [
    withProperty({ type: 'string', nullable: true }),
    '/schema/properties/more/nullable',
    'take it out',
  ],
  'an anchor': [withProperty({ $anchor: 'a' }), '/schema/properties/more/$anchor', '$defs'],
  'another dialect': [
    { ...base, schema: { ...orders, $schema: 'http://json-schema.org/draft-07/schema' } },
    '/schema/$schema',
    '2020-12',
  ],
  'a keyword with a wrong value': [
    withProperty({ maxLength: -1 }),
    '/schema/properties/more/maxLength',
    '>= 0',
  ],
  'an unknown type': [withProperty({ type: 'text' }), '/schema/properties/more/type', 'must'],
  'an unknown format': [withProperty({ format: 'phone' }), '/schema/properties/more/format', 'date-time'],
  'a reference to nothing': [
    withProperty({ $ref: '#/$defs/nothing' }),
    '/schema/properties/more/$ref',
    '$defs',
  ],
  'a reference to another document': [
    withProperty({ $ref: 'https://example.org/a' }),
    '/schema/properties/more/$ref',
    'inside',
  ],
  'a reference that never ends': [
    withProperty({ $ref: '#/properties/more' }),
    '/schema/properties/more/$ref',
    'leads back',
  ],
  'a tower of references': [
    { ...base, schema: { ...orders, $defs: tower(16) } },
    '/schema/$defs/level12',
    'fewer',
  ],
  'a pattern with look-ahead': [
    withProperty({ pattern: '^(?=a)b' }),
    '/schema/properties/more/pattern',
    'look-around',
  ],
  'a pattern with a back-reference': [
    withProperty({ pattern: '(a)\\1' }),
    '/schema/properties/more/pattern',
    'linear',
  ],
  'a pattern that explodes': [
    withProperty({ pattern: '((a{50}){50}){50}' }),
    '/schema/properties/more/pattern',
    'linear',
  ],
  'a pattern among property names': [
    withProperty({ patternProperties: { '(?!a)/': true } }),
    '/schema/properties/more/patternProperties/(?!a)~1',
    'linear',
  ],
  'unique items of any type': [
    withProperty({ type: 'array', uniqueItems: true }),
    '/schema/properties/more/uniqueItems',
    'maxItems',
  ],
  'a property named __proto__': [
    withProperty(JSON.parse('{"properties":{"__proto__":true}}')),
    '/schema/properties/more/properties/__proto__',
    'rename',
  ],
  'a key that is no pointer': [{ ...base, key: 'customerId' }, '/key', '/customerId'],
  'a key that is not declared': [{ ...base, key: '/nothing' }, '/key', 'properties'],
  'a key that may be absent': [{ ...base, key: '/status' }, '/key', 'required'],
  'a key under an object that may be absent': [{ ...base, key: '/place/city' }, '/key', 'required'],
  'a key that is a number': [{ ...base, key: '/amount' }, '/key', 'integer'],
  'a key without maxLength': [keyed({ type: 'string' }), '/key', 'maxLength'],
  'a key that may be too long': [keyed(text(601)), '/key', '600'],
  'an id that is no pointer': [{ ...base, id: 'customerId' }, '/id', '/customerId'],
  'an id that may be absent': [{ ...base, id: '/status' }, '/id', 'required'],
  'an id that is a number': [{ ...base, id: '/amount' }, '/id', 'the id must be a string or an integer'],
  'an id without maxLength': [identified({ type: 'string' }), '/id', 'maxLength'],
  'an id that may be too long': [identified(text(601)), '/id', '600'],
  'an index that is too long with the id': [
    { ...identified(text(590)), indexes: [{ fields: ['/status'] }] },
    '/indexes/0/fields',
    'the fields and the id together',
  ],
  'an index over an array': [indexed({ type: 'array' }), '/indexes/0/fields/0', 'exactly one type'],
  'an index over a field that may be null': [
    indexed({ type: ['string', 'null'], maxLength: 3 }),
    '/indexes/0/fields/0',
    'null',
  ],
  'an index without a type': [indexed({ maxLength: 3 }), '/indexes/0/fields/0', 'exactly one type'],
  'an index that is no pointer': [
    { ...base, indexes: [{ fields: ['status~2'] }] },
    '/indexes/0/fields/0',
    'JSON Pointer',
  ],
  'an index under a scalar': [
    { ...base, indexes: [{ fields: ['/status/a'] }] },
    '/indexes/0/fields/0',
    '"type": "object"',
  ],
  'an indexed string without maxLength': [indexed({ type: 'string' }), '/indexes/0/fields/0', 'maxLength'],
  'an index that may be too long': [indexed(text(590), '/status'), '/indexes/0/fields', '600'],
  'a field twice in one index': [
    { ...base, indexes: [{ fields: ['/status', '/status'] }] },
    '/indexes/0/fields/1',
    'twice',
  ],
  'an index twice': [
    { ...base, indexes: [{ fields: ['/status'] }, { fields: ['/status'] }] },
    '/indexes/1',
    '/indexes/0',
  ],
  'an index without fields': [{ ...base, indexes: [{ fields: [] }] }, '/indexes/0/fields', '1 to 8'],
  'too many fields': [
    { ...base, indexes: [{ fields: Array.from({ length: 9 }, () => '/status') }] },
    '/indexes/0/fields',
    '1 to 8',
  ],
  'too many indexes': [
    { ...base, indexes: Array.from({ length: 17 }, () => ({ fields: ['/status'] })) },
    '/indexes',
    '16',
  ],
}

function keyed(customerId: unknown): RecordDeclaration {
  return {
    ...base,
    schema: { ...orders, properties: { ...orders.properties, customerId } },
    key: '/customerId',
  }
}

function identified(more: unknown): RecordDeclaration {
  const { schema } = withProperty(more)
  return { ...base, schema: { ...schema, required: ['customerId', 'amount', 'more'] }, id: '/more' }
}

function indexed(property: unknown, ...more: string[]): RecordDeclaration {
  return { ...withProperty(property), indexes: [{ fields: ['/more', ...more] }] }
}

function nested(depth: number): unknown {
  return depth === 0 ? {} : { items: nested(depth - 1) }
}

/** Each level applies the one below twice. */
function tower(levels: number): Record<string, unknown> {
  const entries = Array.from({ length: levels }, (_, level) => {
    const below = { $ref: `#/$defs/level${level - 1}` }
    return [`level${level}`, level === 0 ? {} : { allOf: [below, below] }]
  })
  return Object.fromEntries(entries)
}

describe('a refused declaration names the place and a remedy', () => {
  test.each(Object.entries(refusals))('%s', (_, [declaration, pointer, remedy]) => {
    const found = problems(declaration)
    expect(found.map(problem => problem.pointer)).toContain(pointer)
    expect(found.find(problem => problem.pointer === pointer)?.message).toContain(remedy)
  })

  test('all problems of keywords are named at once', () => {
    expect(problems(withProperty({ foo: 1, format: 'phone', pattern: '(?=a)' }))).toHaveLength(3)
  })
})
