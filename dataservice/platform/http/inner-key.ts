/**
 * How a reader knows that a gateway of its own DataService asks, and a gateway that such a reader probes: bearer keys
 * that both derive from the key that signs cursors. They never leave the two.
 */
import { hkdfSync, timingSafeEqual } from 'node:crypto'
import type { FastifyRequest, onRequestHookHandler } from 'fastify'
import { Problem } from './problems.ts'

/** Each opens its own door: what clients may overhear on the way to the gateway does not open the reader. */
const purposes = { reader: 'dataservice: gateway to reader', probes: 'dataservice: probes' } as const

/** The bearer key. `cursorKey` is 32 bytes in hex; throws an Error that does not show it when it is not. */
export function innerKey(cursorKey: string, door: keyof typeof purposes = 'reader'): string {
  const purpose = purposes[door]
  if (!/^[0-9a-f]{64}$/i.test(cursorKey)) throw new Error('the key must be 32 bytes in hex')
  return Buffer.from(hkdfSync('sha256', Buffer.from(cursorKey, 'hex'), '', purpose, 32)).toString('base64url')
}

/** The value of the header `Authorization`. */
export const bearer = (key: string): string => `Bearer ${key}`

/** Whether a request carries the key; found out in the same time whatever it carries. */
export function carriesKey(key: string): (request: Pick<FastifyRequest, 'headers'>) => boolean {
  const expected = Buffer.from(bearer(key))
  return ({ headers }) => {
    const given = Buffer.from(headers.authorization ?? '')
    return given.length === expected.length && timingSafeEqual(given, expected)
  }
}

/** Refuses every request that does not carry the key. */
export function onlyWithKey(key: string): onRequestHookHandler {
  const isOurs = carriesKey(key)
  return (request, _reply, done) => {
    if (isOurs(request)) done()
    else
      done(
        new Problem('unauthenticated', { challenge: 'Bearer', detail: 'Ask the gateway, not the reader.' }),
      )
  }
}
