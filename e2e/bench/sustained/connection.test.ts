import { expect, test } from 'vitest'
import { statusOf } from './connection.ts'

const answer = 'HTTP/1.1 202 Accepted\r\ncontent-type: application/json\r\nContent-Length: 4\r\n\r\n{"a"'

test('an answer counts when it is whole', () => {
  expect(statusOf(answer)).toBe(202)
  for (const end of [0, 12, answer.length - 1]) expect(statusOf(answer.slice(0, end))).toBeUndefined()
})

test('an answer of no known length, or with more behind it, is none', () => {
  expect(statusOf('HTTP/1.1 202 Accepted\r\ntransfer-encoding: chunked\r\n\r\n0')).toBe(0)
  expect(statusOf(`${answer}HTTP/1.1`)).toBe(0)
})
