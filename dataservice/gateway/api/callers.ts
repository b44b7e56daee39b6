/** What the document says of a service that knows its callers. Pure. */
import type { GatewayRules } from '#dataservice/contract/gateway-rules.ts'
import type { ProblemCode } from '#dataservice/platform/http/problems.ts'
import type { Json } from './table.ts'

const apiKey = { type: 'apiKey', in: 'header', name: 'X-API-Key', description: 'Or as a bearer.' }
const token = { type: 'http', scheme: 'bearer', bearerFormat: 'JWT' }

/** Ways in which callers show who they are, by name; none where everybody may call. */
export function securitySchemes({ authentication }: GatewayRules = {}): Json {
  return { ...(authentication?.apiKeys && { apiKey }), ...(authentication?.jwt && { token }) }
}

/** What can go wrong with every call because of who calls. */
export function callerProblems({
  authentication,
  authorization = {},
  rateLimit,
}: GatewayRules = {}): ProblemCode[] {
  if (authentication === undefined) return []
  const { scopes, keyClaim } = authorization
  return [
    'unauthenticated',
    ...(authentication.jwt ? (['issuer-unavailable'] as const) : []),
    ...((scopes ?? keyClaim) ? (['forbidden'] as const) : []),
    ...(rateLimit ? (['rate-limited'] as const) : []),
    ...(keyClaim ? (['foreign-record'] as const) : []),
  ]
}
