import { expect, test } from 'vitest'
import { Problem } from '#dataservice/platform/http/problems.ts'
import { waitedAnswer, waitOf } from './waiting.ts'

const one = { id: 'a', position: '0-7' }

test.each([
  ['wait=5', 5],
  ['respond-async, Wait="12"', 12],
  ['wait=3600', 30],
  ['wait=0', undefined],
  ['wait', undefined],
  ['wait=-1', undefined],
  ['wait=1.5', undefined],
  ['stream', undefined],
])('Prefer: %s', (header, seconds) => {
  expect(waitOf(header)).toBe(seconds)
})

test('one record is created, stood there already, or is not known yet', () => {
  expect(waitedAnswer(one, [{ status: 'stored' }])).toEqual({
    code: 201,
    id: 'a',
    body: { ...one, status: 'stored' },
  })
  expect(waitedAnswer(one, [{ status: 'duplicate', winner: 'w' }])).toEqual({
    code: 200,
    id: 'w',
    body: { id: 'w', position: '0-7', status: 'duplicate' },
  })
  expect(waitedAnswer(one, [{ status: 'held', reason: 'why' }])).toEqual({
    code: 202,
    id: 'a',
    body: { ...one, status: 'held', reason: 'why' },
  })
  expect(waitedAnswer(one, [undefined])).toEqual({ code: 202, id: 'a', body: one })
})

test.each([
  ['conflict', 409, 'id-conflict'],
  ['refused', 422, 'record-refused'],
  ['expired', 422, 'record-refused'],
  ['key-reused', 422, 'idempotency-key-reused'],
] as const)('%s is answered %d', (status, code, type) => {
  const thrown = (() => {
    try {
      return waitedAnswer(one, [{ status, reason: 'so it is' }])
    } catch (problem) {
      return problem
    }
  })()
  expect(thrown).toBeInstanceOf(Problem)
  expect(thrown).toMatchObject({
    status: code,
    code: type,
    document: { id: 'a', detail: 'So it is (position 0-7).' },
  })
})

test('a list tells the status of each record', () => {
  const list = { accepted: [one, { id: 'b', position: '1-0' }] }
  const stored = { status: 'stored' } as const
  expect(waitedAnswer(list, [stored, stored])).toMatchObject({ code: 201 })
  expect(waitedAnswer(list, [stored, { status: 'refused', reason: 'why' }])).toEqual({
    code: 200,
    body: {
      accepted: [
        { ...one, status: 'stored' },
        { id: 'b', position: '1-0', status: 'refused', reason: 'why' },
      ],
    },
  })
  expect(waitedAnswer(list, [undefined, stored])).toMatchObject({
    code: 202,
    body: { accepted: [{ status: 'pending' }, { status: 'stored' }] },
  })
})
