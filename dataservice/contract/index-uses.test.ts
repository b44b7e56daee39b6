/** What an index may be declared for. */
import { expect, test } from 'vitest'
import type { IndexDeclaration, RecordVerdict } from './record-declaration.ts'
import { judgeRecord } from './record-schema.ts'

const properties = {
  deviceId: { type: 'string', maxLength: 64 },
  number: { type: 'string', maxLength: 600 },
  takenAt: { type: 'string', maxLength: 40 },
  note: { type: 'string' },
  serial: { type: 'integer' },
  level: { type: 'number' },
  isLast: { type: 'boolean' },
}
const schema = { type: 'object', required: ['number'], properties }
const judged = (...indexes: IndexDeclaration[]): RecordVerdict =>
  judgeRecord({ schema, id: '/number', indexes })

function accepted(...indexes: IndexDeclaration[]) {
  const verdict = judgeRecord({ schema, indexes })
  if (verdict.kind === 'refused') throw new Error(JSON.stringify(verdict.problems))
  return verdict.record.indexes.map(({ name, use }) => [name, use])
}

test('an index has the name that stands in databases, and another one for another use', () => {
  const fields = ['/deviceId']
  expect(accepted({ fields }, { fields, use: 'Range' })).toEqual([
    ['records_by_db7c873c', 'Lookup'],
    ['records_range_db7c873c', 'Range'],
  ])
  expect(accepted({ fields, use: 'Lookup' })).toEqual([['records_by_db7c873c', 'Lookup']])
})

test.each(['/takenAt', '/serial', '/level'])('%s has ranges, whatever the length of the id', field => {
  expect(judged({ fields: [field], use: 'Range' }).kind).toBe('accepted')
  expect(judged({ fields: [field] }).kind).toBe('refused')
})

test.each([
  [
    'of two fields',
    ['/serial', '/level'],
    '/indexes/0/fields',
    'exactly one field (declare others by themselves, or leave use out), this one has 2',
  ],
  ['of none', [], '/indexes/0/fields', 'exactly one field'],
  [
    'of truth',
    ['/isLast'],
    '/indexes/0/fields/0',
    'is of type boolean, which has no ranges: leave use out, so that it is a Lookup',
  ],
  ['of a string without bound', ['/note'], '/indexes/0/fields/0', 'give it maxLength'],
])('no ranges %s', (_, fields, pointer, remedy) => {
  expect(judged({ fields, use: 'Range' })).toMatchObject({
    problems: [{ pointer, message: expect.stringContaining(remedy) }],
  })
})

test('the same ranges twice are refused', () => {
  const index = { fields: ['/serial'], use: 'Range' as const }
  expect(judged(index, index)).toMatchObject({ problems: [{ pointer: '/indexes/1' }] })
})
