import { expect, test } from 'vitest'
import type { IndexedField } from '#dataservice/contract/record-declaration.ts'
import {
  countStatement,
  estimateStatement,
  pageStatement,
  recordStatement,
  versionedStatement,
} from './query.ts'

const city: IndexedField = {
  pointer: `/a/c"i'ty`,
  path: ['a', `c"i'ty`],
  parameter: 'a.city',
  type: 'string',
}
const amount: IndexedField = { pointer: '/amount', path: ['amount'], parameter: 'amount', type: 'number' }
const paid: IndexedField = { pointer: '/paid', path: ['paid'], parameter: 'paid', type: 'boolean' }

const page = (where: string, limit: number, order = 'id DESC') =>
  `SELECT found, to_char(accepted_at, 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"'), id, to_char(accepted_at, 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"'), schema_version, body FROM (
SELECT *, count(*) OVER () AS found, sum(octet_length(body::text)) OVER (ORDER BY ${order}) - octet_length(body::text) AS bytes
FROM (SELECT * FROM records${where} ORDER BY ${order} LIMIT $${limit}) AS page
) AS sized WHERE bytes < 8388608 ORDER BY ${order}`

test('a record by its id', () => {
  const columns = `id, to_char(accepted_at, 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"'), schema_version, body`
  expect(recordStatement('x')).toEqual({
    text: `SELECT ${columns} FROM records WHERE id = $1`,
    values: ['x'],
  })
  const spot = { name: 'h1', table: 'records_h1', condition: 'it is one', isWhole: false }
  expect(recordStatement('x', {}, spot)).toEqual({
    name: 'record h1',
    text: `SELECT ${columns} FROM records_h1 WHERE id = $1 AND it is one`,
    values: ['x'],
  })
  expect(versionedStatement('x', {}, spot)).toEqual({
    name: 'versioned h1',
    text: `SELECT version, body IS NULL, ${columns} FROM records_h1 WHERE id = $1 AND it is one`,
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
  expect(pageStatement({ question, limit: 5, after: { id: 'id' } }, 'Time')).toEqual({
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
  const after = { id: 'köln', acceptedAt: '2026-01-01T12:00:00.000001Z' }
  expect(pageStatement({ question, limit: 5, after }, 'Hash')).toEqual({
    text: page(
      ' WHERE accepted_at >= $1 AND accepted_at < $2 AND (accepted_at, id) < ($3, $4)',
      5,
      'accepted_at DESC, id DESC',
    ),
    values: ['2026-01-01T00:00:00.000Z', '2026-01-02T00:00:00.000Z', after.acceptedAt, 'köln', 6],
  })
})

test('from the oldest on, every comparison is turned around', () => {
  const question = { conditions: [], order: 'asc' as const }
  expect(pageStatement({ question, limit: 5, after: { id: 'x' } }, 'Time')).toEqual({
    text: page(' WHERE id > $1', 2, 'id ASC'),
    values: ['x', 6],
  })
})

test('records by their ids come in the order asked for, and go on behind the last one', () => {
  const question = { conditions: [], ids: ['a', 'b', 'c,"'] }
  const { text, values } = pageStatement({ question, limit: 100, after: { id: 'a' } }, 'Hash')
  expect(text).toContain('WHERE id = ANY($1::text[]) ORDER BY array_position($1::text[], id) LIMIT $2')
  expect(values).toEqual(['{"b","c,\\""}', 101])
  expect(pageStatement({ question, limit: 100 }, 'Time').text).toContain('id = ANY($1::uuid[])')
})

test('a selection is cut out by the database, as JSON or as text', () => {
  const selection = { paths: [['a'], ['b', `c"'`]] }
  expect(recordStatement('x', { selection })).toMatchObject({
    text: expect.stringContaining('body #> $2::text[], body #> $3::text[] FROM records WHERE id = $1'),
    values: ['x', '{"a"}', `{"b","c\\"'"}`],
  })
  expect(recordStatement('x', { selection: { ...selection, as: 'text' } }).text).toContain(
    'body #>> $2::text[]',
  )
  expect(recordStatement('x', { selection })).not.toHaveProperty('name')
})

test('whatever is asked, the own key of a caller is asked for, too', () => {
  expect(recordStatement('x', { own: 'k' })).toMatchObject({
    text: expect.stringMatching(/ FROM records WHERE id = \$1 AND key = \$2$/),
    values: ['x', 'k'],
  })
  expect(recordStatement('x', { own: 'k' })).not.toHaveProperty('name')
  const own = { conditions: [{ field: paid, operator: 'eq' as const, values: ['true'] }], own: 'k' }
  const where = ` WHERE key = $1 AND ((body #>> '{"paid"}')::boolean) = $2::boolean`
  expect(pageStatement({ question: own, limit: 10 }, 'Time').text).toContain(`FROM records${where} ORDER BY`)
  expect(countStatement(own, 'Time').text).toContain(`FROM records${where} LIMIT`)
  expect(estimateStatement(own, 'Time').text).toContain(`FROM records${where}`)
  const ids = pageStatement({ question: { conditions: [], ids: ['a'], own: 'k' }, limit: 100 }, 'Time')
  expect([ids.text, ids.values]).toEqual([
    expect.stringContaining(' WHERE key = $1 AND id = ANY($2::uuid[])'),
    ['k', '{"a"}', 101],
  ])
})

test('counting looks at no more than one record beyond the bound; an estimate at none', () => {
  const question = { conditions: [{ field: paid, operator: 'eq' as const, values: ['true'] }] }
  const where = `WHERE ((body #>> '{"paid"}')::boolean) = $1::boolean`
  expect(countStatement(question, 'Time')).toEqual({
    text: `SELECT count(*) FROM (SELECT FROM records ${where} LIMIT 10001) AS counted`,
    values: ['true'],
  })
  expect(estimateStatement(question, 'Time').text).toBe(`EXPLAIN (FORMAT JSON) SELECT FROM records ${where}`)
})
