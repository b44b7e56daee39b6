/** Stands before every route of a gateway that knows its callers; a gateway without it pays nothing. */
import type { IncomingHttpHeaders } from 'node:http'
import type { FastifyInstance, FastifyReply } from 'fastify'
import type { AuthorizationRules } from '#dataservice/contract/gateway-rules.ts'
import { addVary } from '#dataservice/platform/http/vary.ts'
import { authorize } from './authorization.ts'
import type { Caller } from './caller.ts'

declare module 'fastify' {
  interface FastifyContextConfig {
    /** True: not for callers; the route asks for a key of its own. */
    inner?: boolean
  }
}

export interface CallerGuard {
  /** Throws a Problem, or rejects with one. */
  authenticate(headers: IncomingHttpHeaders): Caller | Promise<Caller>
  authorization: AuthorizationRules
  /** Absent: nobody is limited. Throws a Problem for a caller that asks too often. */
  limit?: (caller: Caller, reply: FastifyReply) => Promise<void>
}

/** What callers show themselves by: what one was answered is no answer for another. */
const callerHeaders = 'authorization, x-api-key'

/** Must be called before routes are registered. */
export function guardCallers(
  app: FastifyInstance,
  { authenticate, authorization, limit }: CallerGuard,
): void {
  app.decorateRequest('caller', undefined)
  app.decorateRequest('ownKey', undefined)
  app.addHook('onRequest', async (request, reply) => {
    if (request.routeOptions.config.inner === true) return // it asks for a key of ours
    addVary(reply, callerHeaders)
    const caller = await authenticate(request.headers)
    if (limit !== undefined) await limit(caller, reply)
    const { scope, ownRecords } = request.routeOptions.config
    request.caller = caller
    request.ownKey = authorize(
      {
        method: request.method,
        ...(scope === undefined ? {} : { scope }),
        ...(ownRecords === undefined ? {} : { ownRecords }),
      },
      caller,
      authorization,
    )
  })
}
