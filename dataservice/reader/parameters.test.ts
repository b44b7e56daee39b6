import { describe, expect, test } from 'vitest'
import type { DeclaredIndex, IndexedField, ScalarType } from '#dataservice/contract/record-declaration.ts'
import { canonicalQuestion, type PageRequest, parseQuery } from './parameters.ts'

const field = (parameter: string, type: ScalarType): IndexedField => ({
  pointer: `/${parameter.replaceAll('.', '/')}`,
  path: parameter.split('.'),
  parameter,
  type,
})
const customer = field('customer', 'string')
const paid = field('paid', 'boolean')
const amount = field('amount', 'number')
const limit = field('limit', 'integer')
const takenAt = field('takenAt', 'string')
const city = field('address.city', 'string')
const indexes: DeclaredIndex[] = [
  { name: 'a', use: 'Lookup', fields: [customer] },
  { name: 'b', use: 'Lookup', fields: [paid, amount] },
  { name: 'c', use: 'Lookup', fields: [city] },
  { name: 'd', use: 'Lookup', fields: [limit] },
  { name: 'e', use: 'Range', fields: [takenAt] },
]

const parse = (query: string) => parseQuery(query, indexes)

function request(query: string): PageRequest {
  const parsed = parse(query)
  if (parsed.kind === 'refused') throw new Error(JSON.stringify(parsed.errors))
  return parsed.request
}

describe('a query that an index covers', () => {
  test.each([
    ['', []],
    [
      `customer=${encodeURIComponent(`'; DROP TABLE records; --"\\`)}`,
      [{ field: customer, operator: 'eq', values: [`'; DROP TABLE records; --"\\`] }],
    ],
    ['customer=a%20b', [{ field: customer, operator: 'eq', values: ['a b'] }]],
    ['address.city=', [{ field: city, operator: 'eq', values: [''] }]],
    ['customer[in]=a&customer[in]=b', [{ field: customer, operator: 'in', values: ['a', 'b'] }]],
    ['limit[eq]=5', [{ field: limit, operator: 'eq', values: ['5'] }]],
    [
      'amount[gte]=1e2&paid=true&amount[lt]=-0.5',
      [
        { field: amount, operator: 'gte', values: ['1e2'] },
        { field: paid, operator: 'eq', values: ['true'] },
        { field: amount, operator: 'lt', values: ['-0.5'] },
      ],
    ],
    [
      'takenAt[gt]=2026-01-31&takenAt[lte]=2026-02',
      [
        { field: takenAt, operator: 'gt', values: ['2026-01-31'] },
        { field: takenAt, operator: 'lte', values: ['2026-02'] },
      ],
    ],
  ])('%s', (query, conditions) => {
    expect(request(query).question.conditions).toEqual(conditions)
  })

  test('takes limit, cursor and a time range', () => {
    const text = 'limit=5&cursor=abc&from=2026-01-01T00:00:00Z&to=2026-01-01T02:00:00.5%2B01:00'
    expect(request(text)).toEqual({
      question: { conditions: [], from: 1_767_225_600_000, to: 1_767_229_200_500 },
      limit: 5,
      cursor: 'abc',
    })
  })

  test('has 100 records by default', () => {
    expect(request('').limit).toBe(100)
  })
})

describe('a list of ids', () => {
  test('is cut at commas, and each id is decoded by itself', () => {
    expect(request('id=a,b%2Cc&fields=x,/y/z&id=a+d,a')).toEqual({
      question: { conditions: [], ids: ['a', 'b,c', 'a d'] },
      limit: 100,
      selection: { paths: [['x'], ['y', 'z']] },
    })
  })

  test.each([
    ['id=', 'id', 'must name ids'],
    ['id=a&limit=5', 'limit', 'cannot stand beside id'],
    ['id=a&customer=b', 'customer', 'cannot stand beside id'],
    [`id=${Array.from({ length: 101 }, (_, n) => n).join(',')}`, 'id', 'may have 100 ids'],
  ])('%s is refused', (query, parameter, message) => {
    expect(parse(query)).toMatchObject({
      kind: 'refused',
      errors: [{ parameter, message: expect.stringContaining(message) }],
    })
  })
})

test('order and count', () => {
  expect(request('order=asc&count=exact')).toEqual({
    question: { conditions: [], order: 'asc' },
    limit: 100,
    count: 'exact',
  })
  expect(request('order=desc&count=estimate').question).toEqual({ conditions: [] })
})

describe('a query that is refused', () => {
  test.each([
    ['order=newest', 'order', 'must be asc or desc'],
    ['count=true', 'count', 'must be exact or estimate'],
    ['fields=', 'fields', 'must be names or JSON Pointers'],
    ['fields=/a~2', 'fields', 'must be names or JSON Pointers'],
    ['fields=/a/0/b', 'fields', 'cannot reach into a list'],
    [
      'color=red',
      'color',
      'is no field that can be asked for: customer; or paid with amount; or address.city',
    ],
    ['customer[like]=a', 'customer[like]', 'is no field'],
    ['paid=true', 'paid', 'declare {"fields":["/paid"]} in spec.record.indexes'],
    ['customer=a&paid=true', 'customer, paid', 'needs an index of its own'],
    ['paid[in]=true&amount=1', 'paid, amount', 'needs an index of its own'],
    ['takenAt=2026', 'takenAt', 'declare {"fields":["/takenAt"]} in spec.record.indexes'],
    ['takenAt[in]=2026', 'takenAt', 'takenAt (only [gt], [gte], [lt], [lte], by itself)'],
    ['takenAt[gte]=2026&takenAt=2027', 'takenAt, takenAt', 'needs an index of its own'],
    ['takenAt[gte]=2026&customer=a', 'takenAt, customer', 'declare {"fields":["/takenAt","/customer"]}'],
    ['customer=a&customer=b', 'customer', 'may stand only once'],
    ['customer=%00', 'customer', 'U+0000'],
    ['paid=1&amount=1', 'paid', 'must be true or false'],
    ['paid=true&amount=0x10', 'amount', 'must be a number'],
    ['paid=true&amount=1e309', 'amount', 'must be a number'],
    ['limit=0', 'limit', 'from 1 to 1000'],
    ['limit=1000000000', 'limit', 'from 1 to 1000'],
    ['limit=1e3', 'limit', 'from 1 to 1000'],
    ['limit=-1', 'limit', 'from 1 to 1000'],
    ['__proto__=1', '__proto__', 'is no field'],
    ['limit=1001', 'limit', 'from 1 to 1000'],
    ['limit=5&limit=6', 'limit', 'may stand only once'],
    ['from=yesterday', 'from', 'RFC 3339'],
    ['to=2026-13-01T00:00:00Z', 'to', 'RFC 3339'],
    ['from=1969-12-31T23:59:59Z', 'from', 'not before 1970'],
  ])('%s', (query, parameter, message) => {
    const parsed = parse(query)
    expect(parsed).toMatchObject({ kind: 'refused', errors: [{ parameter }] })
    expect(parsed.kind === 'refused' && parsed.errors[0]?.message).toContain(message)
  })

  test('by more values than a list may have', () => {
    const query = Array.from({ length: 101 }, (_, index) => `customer[in]=${index}`).join('&')
    expect(parse(query)).toMatchObject({ kind: 'refused', errors: [{ message: 'may have 100 values' }] })
  })
})

test('the canonical text ignores the order of parameters and nothing else', () => {
  const text = (query: string) => canonicalQuestion(request(query).question)
  expect(text('paid=true&amount[gte]=1')).toBe(text('amount[gte]=1&paid=true&limit=7'))
  const different = [
    '',
    'order=asc',
    'id=a',
    'id=b',
    'customer=a',
    'customer[in]=a',
    'address.city=a',
    'from=2026-01-01T00:00:00Z',
  ]
  expect(new Set(different.map(text)).size).toBe(different.length)
})

test('the text of a question without the newer words is the one that older cursors are signed for', () => {
  expect(canonicalQuestion(request('customer=a').question)).toBe(
    JSON.stringify([[JSON.stringify(['customer', 'eq', 'a'])], null, null]),
  )
})
