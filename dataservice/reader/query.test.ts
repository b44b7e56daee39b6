import { expect, test } from 'vitest'
import type { IndexedField } from '#dataservice/contract/record-declaration.ts'
import { pageStatement, recordStatement } from './query.ts'

const city: IndexedField = {
  pointer: `/a/c"i'ty`,
  path: ['a', `c"i'ty`],
  parameter: 'a.city',
  type: 'string',
}
const amount: IndexedField = { pointer: '/amount', path: ['amount'], parameter: 'amount', type: 'number' }
const paid: IndexedField = { pointer: '/paid', path: ['paid'], parameter: 'paid', type: 'boolean' }

const page = (where: string, limit: number, order = 'id DESC') =>
  `SELECT id, to_char(accepted_at, 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"'), schema_version, body, found, to_char(accepted_at, 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"') FROM (
SELECT *, count(*) OVER () AS found, sum(octet_length(body::text)) OVER (ORDER BY ${order}) - octet_length(body::text) AS bytes
FROM (SELECT * FROM records${where} ORDER BY ${order} LIMIT $${limit}) AS page
) AS sized WHERE bytes < 8388608 ORDER BY ${order}`

test('a record by its id', () => {
  expect(recordStatement('x')).toEqual({
    name: 'record',
    text: `SELECT id, to_char(accepted_at, 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"'), schema_version, body FROM records WHERE id = $1`,
    values: ['x'],
  })
})

test('a page of everything', () => {
  expect(pageStatement({ question: { conditions: [] }, limit: 10 }, 'Time')).toEqual({
    text: page('', 1),
    values: [11],
  })
})

test('a page by fields, time and cursor', () => {
  const question = {
    conditions: [
      { field: city, operator: 'eq' as const, values: ['Köln'] },
      { field: paid, operator: 'eq' as const, values: ['true'] },
      { field: amount, operator: 'gte' as const, values: ['1e2'] },
      { field: amount, operator: 'lt' as const, values: ['200'] },
    ],
    from: 1_767_225_600_000,
    to: 1_767_312_000_000,
  }
  expect(pageStatement({ question, limit: 5, before: { id: 'id' } }, 'Time')).toEqual({
    text: page(
      ` WHERE ((body #>> '{"a","c\\"i''ty"}') COLLATE "C") = $1::text AND ((body #>> '{"paid"}')::boolean) = $2::boolean` +
        ` AND ((body #>> '{"amount"}')::numeric) >= $3::numeric AND ((body #>> '{"amount"}')::numeric) < $4::numeric` +
        ' AND id >= $5 AND id < $6 AND id < $7',
      8,
    ),
    values: [
      'Köln',
      'true',
      '1e2',
      '200',
      '019b76da-a800-7000-8000-000000000000',
      '019b7c01-0400-7000-8000-000000000000',
      'id',
      6,
    ],
  })
})

test('a list of values is one parameter', () => {
  const conditions = [{ field: city, operator: 'in' as const, values: ['a"b', 'c\\d', ''] }]
  const { text, values } = pageStatement({ question: { conditions }, limit: 1 }, 'Time')
  expect(text).toContain(`= ANY($1::text[])`)
  expect(values).toEqual(['{"a\\"b","c\\\\d",""}', 2])
})

test('where ids carry no time, pages go by the time of acceptance and the id', () => {
  const question = { conditions: [], from: 1_767_225_600_000, to: 1_767_312_000_000 }
  const before = { id: 'köln', acceptedAt: '2026-01-01T12:00:00.000001Z' }
  expect(pageStatement({ question, limit: 5, before }, 'Hash')).toEqual({
    text: page(
      ' WHERE accepted_at >= $1 AND accepted_at < $2 AND (accepted_at, id) < ($3, $4)',
      5,
      'accepted_at DESC, id DESC',
    ),
    values: ['2026-01-01T00:00:00.000Z', '2026-01-02T00:00:00.000Z', before.acceptedAt, 'köln', 6],
  })
})
