/** Tokens (JWT, RFC 7519): whether one is from our issuer, for us, and valid now. */
import { errors, type JWTPayload, jwtVerify } from 'jose'
import type { AuthorizationRules, TokenRules } from '#dataservice/contract/gateway-rules.ts'
import { isScope } from '#dataservice/contract/scopes.ts'
import { keyText } from '#dataservice/record/pointer.ts'
import type { Caller } from './caller.ts'
import type { KeySet } from './key-set.ts'

/** Why a token is not accepted, in words for its bearer; they repeat nothing of it. */
export class TokenRefused extends Error {}

/** Clocks of issuer and gateway may differ by so much. */
const clockToleranceSeconds = 30
/** Headers in which a token would bring or name its own key. */
const keyHeaders = ['jku', 'jwk', 'x5u', 'x5c'] as const

/** Answers the claims. Rejects with `TokenRefused`, or with `KeysAway` when it cannot be told. */
export async function verifyToken(token: string, rules: TokenRules, keys: KeySet): Promise<JWTPayload> {
  try {
    const { payload } = await jwtVerify(
      token,
      (header, input) => {
        if (keyHeaders.some(name => name in header)) throw new TokenRefused('The token brings its own key.')
        return keys.find(header, input)
      },
      {
        issuer: rules.issuer,
        audience: rules.audiences,
        algorithms: rules.algorithms,
        clockTolerance: clockToleranceSeconds,
        requiredClaims: ['exp', 'sub'],
      },
    )
    return payload
  } catch (error) {
    throw error instanceof errors.JOSEError ? new TokenRefused(refusal(error)) : error
  }
}

function refusal(error: errors.JOSEError): string {
  if (error instanceof errors.JWTExpired) return 'The token has expired.'
  if (error instanceof errors.JWTClaimValidationFailed) return `The claim ${error.claim} is not accepted.`
  if (error instanceof errors.JWKSNoMatchingKey) return 'The issuer has no such key.'
  if (error instanceof errors.JOSEAlgNotAllowed) return 'The algorithm of the token is not accepted.'
  return 'The token is not valid.'
}

/** Who a verified token speaks for. Throws `TokenRefused`. */
export function callerOfToken(claims: JWTPayload, rules: AuthorizationRules = {}): Caller {
  const { sub } = claims
  if (typeof sub !== 'string' || sub === '') throw new TokenRefused('The claim sub is not accepted.')
  const said = rules.keyClaim === undefined ? undefined : keyText(claims[rules.keyClaim])
  const key = said?.isWellFormed() && !said.includes('\0') ? said : undefined // no record has another key
  const prefix = rules.scopes?.prefix ?? ''
  const granted = scopeWords(claims).flatMap(word =>
    word.startsWith(prefix) ? [word.slice(prefix.length)].filter(isScope) : [],
  )
  return { id: `jwt:${sub}`, scopes: new Set(granted), ...(key === undefined ? {} : { key }) }
}

/** `scope` is a text (RFC 8693); some issuers say `scp`, as a text or a list. */
function scopeWords({ scope, scp }: JWTPayload): string[] {
  return [scope, scp].flatMap(value => {
    if (typeof value === 'string') return value.split(' ')
    return Array.isArray(value) ? value.filter(word => typeof word === 'string') : []
  })
}
