/** How a gateway tells a reader that a caller may see records of one key only. Nobody else can ask the reader. */
import type { IncomingHttpHeaders } from 'node:http'
import { internalHeaders } from './internal-headers.ts'

/** The value of `internalHeaders.ownKey`. Throws a URIError for lone surrogates, which no key has. */
export const ownKeyText = (key: string): string => encodeURIComponent(key)

/** The key of the caller; undefined: it may see all. Throws a URIError when it is not what `ownKeyText` makes. */
export function ownKeyOf(headers: IncomingHttpHeaders): string | undefined {
  const value = headers[internalHeaders.ownKey]
  return typeof value === 'string' ? decodeURIComponent(value) : undefined
}

declare module 'fastify' {
  interface FastifyContextConfig {
    /** True: the route obeys the own key of a caller. All others are closed to callers that have one. */
    ownRecords?: boolean
  }
}
