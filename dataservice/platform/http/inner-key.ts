/**
 * How a reader knows that a gateway of its own DataService asks: a bearer key that both derive from the key that
 * signs cursors. It never leaves the two.
 */
import { hkdfSync, timingSafeEqual } from 'node:crypto'
import type { onRequestHookHandler } from 'fastify'
import { Problem } from './problems.ts'

const purpose = 'dataservice: gateway to reader'

/** The bearer key. `cursorKey` is 32 bytes in hex; throws an Error that does not show it when it is not. */
export function innerKey(cursorKey: string): string {
  if (!/^[0-9a-f]{64}$/i.test(cursorKey)) throw new Error('the key must be 32 bytes in hex')
  return Buffer.from(hkdfSync('sha256', Buffer.from(cursorKey, 'hex'), '', purpose, 32)).toString('base64url')
}

/** The value of the header `Authorization`. */
export const bearer = (key: string): string => `Bearer ${key}`

/** Refuses every request that does not carry the key, in the same time whatever it carries. */
export function onlyWithKey(key: string): onRequestHookHandler {
  const expected = Buffer.from(bearer(key))
  return (request, _reply, done) => {
    const given = Buffer.from(request.headers.authorization ?? '')
    if (given.length === expected.length && timingSafeEqual(given, expected)) done()
    else
      done(
        new Problem('unauthenticated', { challenge: 'Bearer', detail: 'Ask the gateway, not the reader.' }),
      )
  }
}
