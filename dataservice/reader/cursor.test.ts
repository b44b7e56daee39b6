import { expect, test } from 'vitest'
import { readCursor, signCursor } from './cursor.ts'

const key = Buffer.alloc(32, 7)
const id = '0199d1f0-7c00-7abc-8def-0123456789ab'
const cursor = signCursor(key, 'question', id)

test('gives the id back for the same question', () => {
  expect(readCursor(key, 'question', cursor)).toBe(id)
})

test.each([
  ['another question', key, 'other', cursor],
  ['another key', Buffer.alloc(32, 8), 'question', cursor],
  ['a changed id', key, 'question', `AQ${cursor.slice(2, 20)}A${cursor.slice(21)}`],
  ['a cut cursor', key, 'question', cursor.slice(0, -1)],
  ['no cursor at all', key, 'question', 'not a cursor'],
  ['nothing', key, 'question', ''],
])('refuses %s', (_, otherKey, question, text) => {
  expect(readCursor(otherKey, question, text)).toBeUndefined()
})
