import { createSecretKey } from 'node:crypto'
import { expect, test } from 'vitest'
import { readCursor, signCursor } from './cursor.ts'

const key = createSecretKey(Buffer.alloc(32, 7))
const id = '0199d1f0-7c00-7abc-8def-0123456789ab'
const cursor = signCursor(key, 'question', { id })

test('gives the id back for the same question', () => {
  expect(readCursor(key, 'question', cursor)).toEqual({ id })
})

test.each(['a/b', 'ü"\\', '%2f', '\u0001'.repeat(600), '𝒳'.repeat(600)])(
  'gives id %j and its time back',
  id => {
    const place = { id, acceptedAt: '2026-01-31T12:00:00.123456Z' }
    expect(readCursor(key, 'question', signCursor(key, 'question', place))).toEqual(place)
  },
)

test.each([
  ['another question', key, 'other', cursor],
  ['another key', createSecretKey(Buffer.alloc(32, 8)), 'question', cursor],
  ['a changed id', key, 'question', `${cursor.slice(0, 20)}A${cursor.slice(21)}`],
  ['a cut cursor', key, 'question', cursor.slice(0, -1)],
  ['other padding bits', key, 'question', `${cursor.slice(0, -1)}${cursor.endsWith('A') ? 'B' : 'A'}`],
  ['no cursor at all', key, 'question', 'not a cursor'],
  ['nothing', key, 'question', ''],
])('refuses %s', (_, otherKey, question, text) => {
  expect(readCursor(otherKey, question, text)).toBeUndefined()
})
