/** Objects that the API server refuses for what they say about callers; rows of `rules.api.test.ts`. */
export interface Refusal {
  /** The object before; absent: the row is about creating. */
  before?: object
  spec: object
  name?: string
  /** A part of what the API server says. */
  says: string
}

const record = { schema: { type: 'object' } }
export const jwt = { issuer: 'https://a.test/', audiences: ['a'], jwksUri: 'https://a.test/jwks.json' }

export const callerRefusals: Readonly<Record<string, Refusal>> = {
  'keys of an issuer from two places': {
    spec: { record, gateway: { authentication: { jwt: { ...jwt, jwksSecretRef: { name: 'a' } } } } },
    says: 'set exactly one of jwksUri and jwksSecretRef',
  },
  'keys of an issuer from nowhere': {
    spec: { record, gateway: { authentication: { jwt: { ...jwt, jwksUri: null } } } },
    says: 'set exactly one of jwksUri and jwksSecretRef',
  },
  'keys of an issuer in plain text': {
    spec: { record, gateway: { authentication: { jwt: { ...jwt, jwksUri: 'http://a.test' } } } },
    says: 'spec.gateway.authentication.jwt.jwksUri',
  },
  'a shared secret as an algorithm': {
    spec: { record, gateway: { authentication: { jwt: { ...jwt, algorithms: ['HS256'] } } } },
    says: 'Unsupported value: "HS256"',
  },
  'authentication by nothing': {
    spec: { record, gateway: { authentication: {} } },
    says: 'set jwt, apiKeys or both, or leave authentication out',
  },
  'authorization of nothing': {
    spec: { record, gateway: { authentication: { jwt }, authorization: {} } },
    says: 'set scopes, keyClaim or both, or leave authorization out',
  },
  'authorization of unknown callers': {
    spec: { record, gateway: { authorization: { scopes: {} } } },
    says: 'authorization needs to know the callers: set gateway.authentication, too',
  },
  'a limit for unknown callers': {
    spec: { record, gateway: { rateLimit: { requests: 1 } } },
    says: 'rateLimit counts the requests of each caller: set gateway.authentication, too',
  },
  'an origin with a path': {
    spec: { record, gateway: { cors: { origins: ['https://a.test/'] } } },
    says: 'spec.gateway.cors.origins',
  },
  'a larger body than is possible': {
    spec: { record, gateway: { maxBodyBytes: 10485761 } },
    says: 'should be less than or equal to 10485760',
  },
  'own records without a key': {
    spec: { record, gateway: { authentication: { jwt }, authorization: { keyClaim: 'sub' } } },
    says: 'set record.key or record.id, or leave keyClaim out',
  },
}
