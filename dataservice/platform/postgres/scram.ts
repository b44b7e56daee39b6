/** Passwords as Postgres stores them (SCRAM-SHA-256, RFC 5803): who makes a role need not send its password. */
import { createHash, createHmac, pbkdf2Sync } from 'node:crypto'

/** What Postgres takes by default. */
const iterations = 4096

/** `salt`: 16 random bytes. The password is of printable ASCII, so that no preparation of the text (SASLprep) changes it. */
export function scramVerifier(password: string, salt: Buffer): string {
  if (!/^[\x20-\x7e]+$/.test(password)) throw new Error('a password must be of printable ASCII')
  const salted = pbkdf2Sync(password, salt, iterations, 32, 'sha256')
  const keyOf = (name: string): Buffer => createHmac('sha256', salted).update(name).digest()
  const stored = createHash('sha256').update(keyOf('Client Key')).digest('base64')
  const server = keyOf('Server Key').toString('base64')
  return `SCRAM-SHA-256$${iterations}:${salt.toString('base64')}$${stored}:${server}`
}
