import { expect, test } from 'vitest'
import { Problem, problemOf } from './problems.ts'

test('a problem has a stable type, its own members and its headers', () => {
  const problem = new Problem('overloaded', { retryAfter: 2, detail: 'Wait.', cause: new Error('hidden') })
  expect(problem.document).toEqual({
    type: 'https://dataservice.dev/problems/overloaded',
    title: 'The service has too much to do',
    status: 503,
    detail: 'Wait.',
  })
  expect(problem.headers).toEqual({
    'cache-control': 'no-store',
    'content-type': 'application/problem+json',
    'retry-after': '2',
  })
})

test.each([
  [Object.assign(new Error('body'), { code: 'FST_ERR_CTP_BODY_TOO_LARGE' }), 413],
  [Object.assign(new Error('length'), { code: 'FST_ERR_CTP_INVALID_CONTENT_LENGTH' }), 400],
  [Object.assign(new Error('secret'), { statusCode: 418 }), 500],
  [new Error('secret'), 500],
  ['secret', 500],
])('%j becomes a problem that does not repeat it', (error, status) => {
  const { document } = problemOf(error)
  expect(document['status']).toBe(status)
  expect(JSON.stringify(document)).not.toContain('secret')
})
