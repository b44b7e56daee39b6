import { expect, test } from 'vitest'
import { scramVerifier } from './scram.ts'

test('a verifier is as Postgres makes it: iterations, salt, stored key and server key', () => {
  // RFC 7677, section 3: user "user", password "pencil".
  const salt = Buffer.from('W22ZaJ0SNY7soEsUEjb6gQ==', 'base64')
  expect(scramVerifier('pencil', salt)).toMatch(
    /^SCRAM-SHA-256\$4096:W22ZaJ0SNY7soEsUEjb6gQ==\$[A-Za-z0-9+/]{43}=:[A-Za-z0-9+/]{43}=$/,
  )
})

test('a password whose text could be prepared differently is refused', () => {
  expect(() => scramVerifier('é', Buffer.alloc(16))).toThrow('printable ASCII')
})
