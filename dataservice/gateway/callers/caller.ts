/** Who calls, as far as the routes need to know. */
import type { Scope } from '#dataservice/contract/scopes.ts'

export interface Caller {
  /** Tells callers apart, for example in limits; holds no secret. */
  id: string
  /** What it brought along; counts only where the service asks for scopes. */
  scopes: ReadonlySet<Scope>
  /** The record key that it speaks for; counts only where callers are limited to their own records. */
  key?: string
}

declare module 'fastify' {
  interface FastifyRequest {
    /** Set where the service knows its callers. */
    caller?: Caller | undefined
    /** Set when the caller may see and write records of this key only. */
    ownKey?: string | undefined
  }
  interface FastifyContextConfig {
    /** What a caller must be allowed to do here; default: `read` for GET and HEAD, else `write`. */
    scope?: Scope
  }
}
