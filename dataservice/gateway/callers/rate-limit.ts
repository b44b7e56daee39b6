/** Refuses callers that ask too often, and tells all of them what is left. */
import { createHash } from 'node:crypto'
import type { FastifyReply } from 'fastify'
import { Counter, type Registry } from 'prom-client'
import type { GatewayRules } from '#dataservice/contract/gateway-rules.ts'
import { Problem } from '#dataservice/platform/http/problems.ts'
import type { Caller } from './caller.ts'

/** Counts one request of a caller, in all pods together; never rejects. */
export interface Limiter {
  take(
    caller: string,
  ): Promise<
    | { kind: 'allowed'; remaining: number; resetMs: number }
    | { kind: 'limited'; retryMs: number; resetMs: number }
    | { kind: 'away' }
  >
}

/** The headers follow draft-ietf-httpapi-ratelimit-headers-10. */
export function rateLimit(
  { requests, perMs }: NonNullable<GatewayRules['rateLimit']>,
  limiter: Limiter,
  metrics: Registry,
): (caller: Caller, reply: FastifyReply) => Promise<void> {
  const answers = new Counter({
    name: 'dataservice_gateway_rate_limit_total',
    help: 'Requests by what the limit said: allowed, limited, or away (Redis did not answer, so nobody is limited).',
    labelNames: ['answer'],
    registers: [metrics],
  })
  const policy = `"caller";q=${requests};w=${perMs / 1000}`
  const seconds = (milliseconds: number) => Math.ceil(milliseconds / 1000)
  return async (caller, reply) => {
    const answer = await limiter.take(keyOf(caller))
    answers.inc({ answer: answer.kind })
    if (answer.kind === 'away') return
    const remaining = answer.kind === 'allowed' ? answer.remaining : 0
    reply.header('ratelimit-policy', policy)
    reply.header('ratelimit', `"caller";r=${remaining};t=${seconds(answer.resetMs)}`)
    if (answer.kind === 'allowed') return
    throw new Problem('rate-limited', {
      retryAfter: Math.max(1, seconds(answer.retryMs)),
      detail: `A caller has ${requests} requests in ${perMs / 1000} s.`,
    })
  }
}

/** Of the same length for every caller, and no name of a person in Redis. */
const keyOf = ({ id }: Caller): string => createHash('sha256').update(id).digest('base64url').slice(0, 22)
