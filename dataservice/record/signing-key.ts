/** The key that gateways and readers share: it signs page cursors and consistency tokens. */
import { createSecretKey, type KeyObject } from 'node:crypto'

const keyPattern = /^[0-9a-f]{64}$/i

/** From the text of the credential. Throws when it is none. A key object, because making one costs more than signing. */
export function signingKey(text: string): KeyObject {
  if (!keyPattern.test(text)) throw new Error('the signing key must be 32 bytes in hex')
  return createSecretKey(text, 'hex')
}
