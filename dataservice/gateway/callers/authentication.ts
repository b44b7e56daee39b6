/** Tells who calls, before anything else of a request is read. */
import type { IncomingHttpHeaders } from 'node:http'
import type { GatewayRules } from '#dataservice/contract/gateway-rules.ts'
import { Problem } from '#dataservice/platform/http/problems.ts'
import type { KeyRing } from './api-keys.ts'
import type { Caller } from './caller.ts'
import { type KeySet, KeysAway } from './key-set.ts'
import { callerOfToken, TokenRefused, verifyToken } from './tokens.ts'

export interface AuthenticationOptions {
  /** Shown to clients: `namespace/name`. */
  realm: string
  rules: Pick<GatewayRules, 'authentication' | 'authorization'>
  /** The keys of the moment. */
  apiKeys?: () => KeyRing
  keySet?: KeySet
  count(method: 'jwt' | 'api-key' | 'none', result: 'accepted' | 'refused' | 'unavailable'): void
}

/** Seconds after which the issuer's keys may be there again. */
const retryAfter = 5

/** Answers the function that finds the caller, or throws a Problem: 401, or 503 when it cannot be told. */
export function authentication(options: AuthenticationOptions) {
  const { realm, rules, apiKeys, keySet, count } = options
  const jwt = rules.authentication?.jwt

  const refused = (detail: string, error?: string) =>
    new Problem('unauthenticated', {
      challenge: [
        `Bearer realm="${realm}"`,
        ...(error ? [`error="${error}", error_description="${detail}"`] : []),
      ].join(', '),
      detail,
    })

  const byKey = (key: string): Caller => {
    const caller = apiKeys?.().find(key)
    count('api-key', caller === undefined ? 'refused' : 'accepted')
    if (caller === undefined) throw refused('The API key is not known.', 'invalid_token')
    return caller
  }

  const byToken = async (token: string): Promise<Caller> => {
    if (jwt === undefined || keySet === undefined) throw refused('The token is not valid.', 'invalid_token')
    try {
      const caller = callerOfToken(await verifyToken(token, jwt, keySet), rules.authorization)
      count('jwt', 'accepted')
      return caller
    } catch (error) {
      if (error instanceof KeysAway) {
        count('jwt', 'unavailable')
        throw new Problem('issuer-unavailable', { retryAfter, cause: error })
      }
      if (!(error instanceof TokenRefused)) throw error
      count('jwt', 'refused')
      throw refused(error.message, 'invalid_token')
    }
  }

  return (headers: IncomingHttpHeaders): Caller | Promise<Caller> => {
    const apiKey = headers['x-api-key']
    const token = bearerToken(headers.authorization)
    if (apiKey !== undefined && headers.authorization !== undefined)
      throw refused('Send Authorization or X-API-Key, not both.', 'invalid_request')
    if (typeof apiKey === 'string' && apiKeys !== undefined) return byKey(apiKey)
    if (token !== undefined && (isToken(token) || apiKeys === undefined)) return byToken(token)
    if (token !== undefined) return byKey(token)
    count('none', 'refused')
    throw refused(howTo(jwt !== undefined, apiKeys !== undefined))
  }
}

const howTo = (tokens: boolean, keys: boolean): string =>
  `Send ${[tokens ? 'Authorization: Bearer and a token' : [], keys ? 'X-API-Key and an API key' : []].flat().join(', or ')}.`

/** API keys have no dots. */
const isToken = (text: string): boolean => text.includes('.')

function bearerToken(authorization: string | undefined): string | undefined {
  return /^bearer +([\w.~+/-]+=*) *$/i.exec(authorization ?? '')?.[1]
}
