import { createHash } from 'node:crypto'
import { expect, test } from 'vitest'
import { KeyRing, readEntry } from './api-keys.ts'

const hash = (key: string) => `sha256:${createHash('sha256').update(key).digest('hex')}`
const first = 'k1-0123456789abcdef0123456789abcdef'
const second = 'k2-0123456789abcdef0123456789abcdef'

test('an entry names its caller, the scopes and the record key', () => {
  const entry = readEntry('billing', `${hash(first)}\n scopes: read  stream\r\nkey: customer 7\n\n`)
  expect(entry).toMatchObject({
    kind: 'caller',
    caller: { id: 'key:billing', scopes: new Set(['read', 'stream']), key: 'customer 7' },
  })
})

test('while a key changes, the old and the new one are valid; no other is', () => {
  const ring = new KeyRing([
    readEntry('billing', `${hash(first)}\n${hash(second)}`),
    readEntry('web', hash('web-0123456789abcdef01234567')),
  ])
  expect([first, second].map(key => ring.find(key)?.id)).toEqual(['key:billing', 'key:billing'])
  expect(ring.find('web-0123456789abcdef01234567')?.id).toBe('key:web')
  expect([`${first} `, first.slice(1), hash(first), ''].map(key => ring.find(key))).toEqual(
    Array(4).fill(undefined),
  )
})

test('a key that is short enough to be guessed is never accepted', () => {
  expect(new KeyRing([readEntry('a', hash('short'))]).find('short')).toBeUndefined()
})

test.each([
  ['the key itself', first, 'has a line that is none of sha256, scopes, key'],
  ['half a hash', 'sha256:abcd', 'has a line sha256: without exactly 64 hex digits'],
  ['no hash', 'scopes: read', 'has no line sha256:<64 hex digits>'],
  ['an unknown scope', `${hash(first)}\nscopes: read delete`, 'has scopes beside read, write, stream, admin'],
  ['two record keys', `${hash(first)}\nkey: a\nkey: b`, 'has an empty or a second line key:'],
  [
    'a word of every object',
    `${hash(first)}\nconstructor: x`,
    'has a line that is none of sha256, scopes, key',
  ],
])('%s is refused in words that do not repeat it', (_, text, problem) => {
  const entry = readEntry('billing', text)
  expect(entry).toEqual({ kind: 'refused', name: 'billing', problem })
  expect(new KeyRing([entry]).find(first)).toBeUndefined()
})
