/** Lets web pages of other origins read answers (CORS). Preflights carry no credentials, so they come before callers are told. */
import { fastifyCors } from '@fastify/cors'
import type { FastifyInstance } from 'fastify'
import type { GatewayRules } from '#dataservice/contract/gateway-rules.ts'

export type CorsRules = NonNullable<GatewayRules['cors']>

const methods = ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE']
/** What pages may send beyond what every page may. */
const requestHeaders = [
  'authorization',
  'consistency-token',
  'content-encoding',
  'content-type',
  'idempotency-key',
  'if-match',
  'if-none-match',
  'last-event-id',
  'prefer',
  'schema-version',
  'x-api-key',
]
/** What pages may read beyond what every page may. */
const answerHeaders = [
  'consistency-token',
  'deprecation',
  'etag',
  'location',
  'preference-applied',
  'ratelimit',
  'ratelimit-policy',
  'retry-after',
  'www-authenticate',
]
/** Browsers ask again after this. */
const maxAgeSeconds = 600

/** Must be called before callers are told. Cookies are never allowed: nothing here is authenticated by them. */
export async function allowOrigins(app: FastifyInstance, { origins }: CorsRules): Promise<void> {
  await app.register(fastifyCors, {
    origin: origins.includes('*') ? '*' : [...origins],
    methods,
    allowedHeaders: requestHeaders,
    exposedHeaders: answerHeaders,
    maxAge: maxAgeSeconds,
    strictPreflight: false,
  })
}
