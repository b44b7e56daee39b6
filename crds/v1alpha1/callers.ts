/** `gateway.authentication` and `gateway.authorization`: who may call, and what. */
import { type Static, Type } from 'typebox'
import { ObjectName, type Rule } from './scalars.ts'

const algorithms = [
  'RS256',
  'RS384',
  'RS512',
  'PS256',
  'PS384',
  'PS512',
  'ES256',
  'ES384',
  'ES512',
  'EdDSA',
] as const

const Jwt = Type.Object(
  {
    issuer: Type.String({
      minLength: 1,
      maxLength: 512,
      description:
        'Who signs the tokens: their claim iss, to the letter. Example: https://login.example.com/.',
    }),
    audiences: Type.Array(
      Type.String({ minLength: 1, maxLength: 256, description: 'One accepted audience.' }),
      {
        minItems: 1,
        maxItems: 16,
        'x-kubernetes-list-type': 'set',
        description:
          'Whom tokens may be for: their claim aud must name one of these. Example: [https://orders.example.com].',
      },
    ),
    algorithms: Type.Array(
      Type.Unsafe<(typeof algorithms)[number]>({
        type: 'string',
        enum: [...algorithms],
        description: 'One algorithm with a public key.',
      }),
      {
        minItems: 1,
        maxItems: algorithms.length,
        default: ['RS256', 'ES256'],
        'x-kubernetes-list-type': 'set',
        description:
          'Algorithms that tokens may be signed with; every other one is refused. Default: [RS256, ES256].',
      },
    ),
    jwksUri: Type.Optional(
      Type.String({
        maxLength: 1024,
        pattern: '^https://[^\\s]+$',
        description:
          'Where the issuer publishes its public keys (JWKS). They are read every 5 minutes and when a token names a ' +
          'new key; while the address does not answer, known keys still count. ' +
          'Example: https://login.example.com/.well-known/jwks.json.',
      }),
    ),
    jwksSecretRef: Type.Optional(
      Type.Object(
        {
          name: ObjectName({ description: 'Name of the Secret, in the namespace of the DataService.' }),
          key: Type.String({
            minLength: 1,
            maxLength: 253,
            pattern: '^[-._a-zA-Z0-9]+$',
            default: 'jwks.json',
            description: 'Entry of the Secret that holds the JWKS. Default: jwks.json.',
          }),
        },
        {
          description:
            'A Secret with the public keys (JWKS), where the issuer cannot be reached. A change counts within about a ' +
            'minute, without a restart. Example: {name: issuer-keys}.',
        },
      ),
    ),
  },
  {
    'x-kubernetes-validations': [
      {
        rule: 'has(self.jwksUri) != has(self.jwksSecretRef)',
        message: 'say where the keys of the issuer are: set exactly one of jwksUri and jwksSecretRef',
      },
    ],
    description:
      'Callers with a token of an issuer (JWT), as Authorization: Bearer. The token must carry exp and sub. ' +
      'Example: {issuer: https://login.example.com/, audiences: [orders], jwksUri: https://login.example.com/jwks.json}.',
  },
)

const ApiKeys = Type.Object(
  {
    secretRef: Type.Object(
      { name: ObjectName({ description: 'Name of the Secret, in the namespace of the DataService.' }) },
      { description: 'The Secret with the hashes.' },
    ),
  },
  {
    description:
      'Callers with a key, as X-API-Key or Authorization: Bearer. Each entry of the Secret is one caller: lines ' +
      'sha256:<64 hex digits> of its key (several while it changes), and perhaps scopes: read write and key: <record ' +
      'key>. A change counts within about a minute, without a restart. The operator never reads the Secret. ' +
      'Example: {secretRef: {name: orders-callers}}.',
  },
)

export const Authentication = Type.Object(
  { jwt: Type.Optional(Jwt), apiKeys: Type.Optional(ApiKeys) },
  {
    'x-kubernetes-validations': [
      {
        rule: 'has(self.jwt) || has(self.apiKeys)',
        message: 'say how callers show who they are: set jwt, apiKeys or both, or leave authentication out',
      },
    ],
    description:
      'How callers show who they are; everybody else is answered 401. Default: none, the gateway is open to everybody ' +
      'who reaches it.',
  },
)
export type Authentication = Static<typeof Authentication>

export const Authorization = Type.Object(
  {
    scopes: Type.Optional(
      Type.Object(
        {
          prefix: Type.String({
            maxLength: 128,
            pattern: '^[!#-\\[\\]-~]*$',
            default: '',
            description:
              'Stands before the words in a token. Example: "orders:" for orders:read. Default: none.',
          }),
        },
        {
          description:
            'Callers may do only what their scopes say: read (GET of records), write (POST, PUT, PATCH, DELETE), stream ' +
            '(changes as they are committed), admin (with keyClaim: not limited to own records). Tokens carry them in ' +
            'scope or scp. Example: {prefix: "orders:"}. Default: a known caller may do everything.',
        },
      ),
    ),
    keyClaim: Type.Optional(
      Type.String({
        minLength: 1,
        maxLength: 256,
        description:
          'Claim of the token that is a record key: the caller sees and writes only records of this key. An API key ' +
          'says it in its line key:. Lists need an index that holds the field of record.key. Example: customer_id. ' +
          'Default: callers are not limited to records of their own.',
      }),
    ),
  },
  {
    'x-kubernetes-validations': [
      {
        rule: 'has(self.scopes) || has(self.keyClaim)',
        message: 'say what callers are allowed: set scopes, keyClaim or both, or leave authorization out',
      },
    ],
    description:
      'What known callers may do. Default: everything. Example: {scopes: {}, keyClaim: customer_id}.',
  },
)
export type Authorization = Static<typeof Authorization>

export const RateLimit = Type.Object(
  {
    requests: Type.Integer({
      minimum: 1,
      maximum: 1000000,
      description: 'Requests of one caller in each span of time, to all gateways together. Example: 100.',
    }),
    per: Type.Unsafe<keyof typeof spans>({
      type: 'string',
      enum: ['Second', 'Minute', 'Hour'],
      default: 'Second',
      description: 'The span of time. Default: Second.',
    }),
  },
  {
    description:
      'How often each caller may ask; beyond it the answer is 429 with Retry-After. The requests may come all at once ' +
      'and then come back one by one. While Redis is away nobody is limited, and the metric ' +
      'dataservice_gateway_rate_limit_total{answer="away"} counts it. Example: {requests: 100, per: Second}. Default: no limit.',
  },
)
const spans = { Second: 1, Minute: 60, Hour: 3600 } as const

/** Milliseconds of `rateLimit.per`. */
export const spanMs = (per: keyof typeof spans): number => spans[per] * 1000

export const Cors = Type.Object(
  {
    origins: Type.Array(
      Type.String({
        maxLength: 256,
        pattern: '^([*]|https?://[^/\\s*]+)$',
        description: 'Scheme, host and port as browsers send them, or "*".',
      }),
      {
        minItems: 1,
        maxItems: 32,
        'x-kubernetes-list-type': 'set',
        description: 'Origins of web pages that may read answers. Example: [https://shop.example.com].',
      },
    ),
  },
  {
    description:
      'Lets web pages of other origins call the service (CORS). Cookies are never allowed. ' +
      'Example: {origins: [https://shop.example.com]}. Default: no other origin.',
  },
)

export const MaxBodyBytes = Type.Integer({
  minimum: 1024,
  maximum: 10485760,
  default: 10485760,
  description:
    'The largest body of a request; a larger one is answered 413. One record has at most 900 KB in any case. ' +
    'Example: 1048576. Default: 10485760 (10 MiB), which is also the most.',
})

/** Stand at the gateway: all blocks are its own. */
export const limitedCallersOnly: Rule = {
  rule: '!has(self.rateLimit) || has(self.authentication)',
  message: 'rateLimit counts the requests of each caller: set gateway.authentication, too',
}

export const knownCallersOnly: Rule = {
  rule: '!has(self.authorization) || has(self.authentication)',
  message: 'authorization needs to know the callers: set gateway.authentication, too',
}

/** Stands at the spec: without a key that a caller can name nobody could write. */
export const ownKeys: Rule = {
  rule:
    '!has(self.gateway.authorization) || !has(self.gateway.authorization.keyClaim) || ' +
    'has(self.record.key) || has(self.record.id)',
  message:
    'gateway.authorization.keyClaim compares a claim with the key of a record: set record.key or record.id, or leave keyClaim out',
}
