/** The block `gateway` of the settings: who may call, and how much. Without a rule everybody may. */
import { type Static, Type } from 'typebox'

export const TokenRules = Type.Object({
  issuer: Type.String({ minLength: 1 }),
  audiences: Type.Array(Type.String(), { minItems: 1 }),
  /** Asymmetric ones only: with another a public key would count as a shared secret. */
  algorithms: Type.Array(Type.String({ pattern: '^(RS|PS|ES)[0-9]{3}$|^EdDSA$' }), { minItems: 1 }),
  /** Where the issuer's keys are; absent: in the file of `mounts.keySet`. */
  jwksUri: Type.Optional(Type.String()),
})
export type TokenRules = Static<typeof TokenRules>

export const AuthorizationRules = Type.Object({
  /** Absent: scopes are not asked for. `prefix` stands before the words of `scopes.ts` in a token. */
  scopes: Type.Optional(Type.Object({ prefix: Type.String() })),
  /** Claim that names the one record key a caller may see and write. */
  keyClaim: Type.Optional(Type.String({ minLength: 1 })),
})
export type AuthorizationRules = Static<typeof AuthorizationRules>

export const GatewayRules = Type.Object({
  authentication: Type.Optional(
    Type.Object({
      jwt: Type.Optional(TokenRules),
      /** True: keys are in the folder of `mounts.apiKeys`. */
      apiKeys: Type.Boolean(),
    }),
  ),
  authorization: Type.Optional(AuthorizationRules),
  /** What each caller may do in a span of time. */
  rateLimit: Type.Optional(
    Type.Object({ requests: Type.Integer({ minimum: 1 }), perMs: Type.Integer({ minimum: 1 }) }),
  ),
  /** Web pages of these origins may read answers. */
  cors: Type.Optional(Type.Object({ origins: Type.Array(Type.String(), { minItems: 1 }) })),
  /** Absent: the most that is possible. */
  maxBodyBytes: Type.Optional(Type.Integer({ minimum: 1 })),
})
export type GatewayRules = Static<typeof GatewayRules>
