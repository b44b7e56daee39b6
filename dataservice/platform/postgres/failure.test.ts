import { expect, test } from 'vitest'
import { DatabaseFailure, failureOf, kindOfState } from './failure.ts'

test.each([
  ['23505', 'duplicate'],
  ['23514', 'missing-partition'],
  ['23502', 'refused'],
  ['22P02', 'refused'],
  ['22021', 'refused'],
  ['40001', 'retriable'],
  ['40P01', 'retriable'],
  ['53300', 'retriable'],
  ['55P03', 'retriable'],
  ['57014', 'retriable'],
  ['42P01', 'retriable'],
  ['54000', 'refused'],
  ['54001', 'refused'],
  ['54023', 'retriable'],
  ['57P01', 'lost'],
  ['57P03', 'lost'],
  ['08006', 'lost'],
  ['25P03', 'lost'],
  ['25006', 'lost'],
])('SQLSTATE %s is %s', (sqlState, kind) => {
  expect(kindOfState(sqlState)).toBe(kind)
})

test('keeps the place of the failing line', () => {
  const answer = { severity: 'ERROR', code: '22P02', where: 'COPY records, line 5' }
  const thrown = Object.assign(new Error('invalid input'), answer)
  expect(failureOf(thrown)).toMatchObject({
    kind: 'refused',
    sqlState: '22P02',
    where: 'COPY records, line 5',
  })
})

test('an error of the socket is a lost connection, also when it has a code of its own', () => {
  for (const code of ['ECONNRESET', 'EPIPE', 'ENOTFOUND']) {
    expect(failureOf(Object.assign(new Error(code), { code }))).toMatchObject({
      kind: 'lost',
      sqlState: undefined,
    })
  }
  expect(failureOf(new Error('Connection terminated unexpectedly')).kind).toBe('lost')
})

test('a failure stays as it is', () => {
  const failure = new DatabaseFailure('deadline', 'lost')
  expect(failureOf(failure)).toBe(failure)
})
