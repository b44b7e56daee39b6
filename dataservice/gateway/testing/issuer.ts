/** An issuer of tokens for tests, with keys of its own. */
import { exportJWK, generateKeyPair, SignJWT } from 'jose'
import type { TokenRules } from '#dataservice/contract/gateway-rules.ts'

export const tokenRules: TokenRules = {
  issuer: 'https://login.example.test/',
  audiences: ['orders', 'everything'],
  algorithms: ['RS256', 'ES256'],
}

export interface Issuer {
  /** What it publishes. */
  keySet(): Promise<{ keys: object[] }>
  /** A token as it should be; `claims` and `header` change it, undefined takes away. */
  token(claims?: Record<string, unknown>, header?: Record<string, unknown>): Promise<string>
  /** Its keys, for those who misuse the public one. */
  pair: Awaited<ReturnType<typeof generateKeyPair>>
}

export async function issuer(kid: string, alg = 'ES256'): Promise<Issuer> {
  const pair = await generateKeyPair(alg, { extractable: true })
  return {
    pair,
    keySet: async () => ({ keys: [{ ...(await exportJWK(pair.publicKey)), kid, alg, use: 'sig' }] }),
    token(claims = {}, header = {}) {
      const now = Math.floor(Date.now() / 1000)
      const usual = { iss: tokenRules.issuer, aud: 'orders', sub: 'ann', iat: now, exp: now + 300 }
      return new SignJWT({ ...usual, ...claims })
        .setProtectedHeader({ alg, kid, ...header })
        .sign(pair.privateKey)
    },
  }
}
