/**
 * Every error that the data plane answers: RFC 9457 problem documents from one closed catalogue.
 * Clients may rely on `type`; a text may change. Status 500 and above never carries a text of an exception.
 */

const base = 'https://dataservice.dev/problems/'

/** Status and title by code. `type` is the base above and the code. */
const catalogue = {
  'bad-request': [400, 'The request is malformed'],
  'invalid-encoding': [400, 'The body is not what its Content-Encoding says'],
  'invalid-json': [400, 'The body is no JSON that can be kept'],
  'invalid-record': [400, 'A record does not match the schema'],
  'invalid-query': [400, 'The query cannot be answered'],
  'invalid-token': [400, 'The Consistency-Token is not one of this service'],
  'unsupported-header': [400, 'A header asks for what this service does not do'],
  unauthenticated: [401, 'The caller is not known'],
  forbidden: [403, 'The caller may not do this'],
  'foreign-record': [403, 'Callers see and write only their own records'],
  'not-found': [404, 'Nothing is here'],
  'record-not-found': [404, 'There is no record with this id'],
  'not-yet-visible': [404, 'The record is not readable yet'],
  'method-not-allowed': [405, 'The method is not allowed here'],
  'index-not-ready': [409, 'The index of this query is not built yet'],
  'id-conflict': [409, 'Another record has this id'],
  'version-conflict': [412, 'The record has another version'],
  'idempotency-key-reused': [422, 'The Idempotency-Key was used for another record'],
  'record-refused': [422, 'The store does not take the record'],
  'request-timeout': [408, 'The request did not arrive in time'],
  'payload-too-large': [413, 'The body or a record in it is too large'],
  'unsupported-media-type': [415, 'The content type is not supported'],
  'rate-limited': [429, 'The caller asks too often'],
  'headers-too-large': [431, 'The URL and headers are too large'],
  internal: [500, 'The service failed'],
  'issuer-unavailable': [503, 'The caller cannot be told: the keys of the issuer cannot be read'],
  'going-away': [503, 'This server is about to stop: another one goes on'],
  overloaded: [503, 'The service has too much to do'],
  'log-full': [
    503,
    'The log takes nothing more for now: too much in it is not stored yet, or its disk is full',
  ],
  'log-unavailable': [503, 'The log cannot be written'],
  'log-unreadable': [503, 'The log cannot be read'],
  'outcome-unknown': [503, 'It is not known whether the record was accepted'],
  'partly-accepted': [503, 'Some records were accepted, others not'],
  'reader-unavailable': [503, 'Reading is not possible'],
  'store-unavailable': [503, 'The store cannot be reached'],
  'reader-timeout': [504, 'Reading took too long'],
  'not-stored-yet': [504, 'The write of the Consistency-Token is not stored yet'],
} as const satisfies Record<string, readonly [number, string]>

export type ProblemCode = keyof typeof catalogue

/** What the API document tells of a problem. */
export function problemType(code: ProblemCode): { type: string; status: number; title: string } {
  const [status, title] = catalogue[code]
  return { type: base + code, status, title }
}

/** The first of what is wrong with the input, each with its place. */
export interface InputError {
  /** Index of the record in an array or in lines. */
  index?: number
  /** JSON Pointer inside the record. */
  pointer?: string
  /** Query parameter. */
  parameter?: string
  /** Byte of the body. */
  offset?: number
  message: string
}

/** Members of a problem document beyond those of RFC 9457. */
export interface ProblemMembers {
  /** What happened this time, and what to do about it. Never the text of an exception for 5xx. */
  detail?: string
  errors?: readonly InputError[]
  /** Id of the one record the request was about. */
  id?: string
  accepted?: readonly object[]
  unknown?: readonly object[]
  refused?: readonly object[]
  /** State of the circuit breaker that kept the question from being asked. */
  circuit?: string
}

export interface ProblemOptions extends ProblemMembers {
  /** Seconds after which another try makes sense: header `Retry-After`. */
  retryAfter?: number
  /** Methods of the resource: header `Allow`. */
  allow?: readonly string[]
  /** Encodings of a body: header `Accept-Encoding` (RFC 9110, 12.5.3). */
  acceptEncoding?: readonly string[]
  /** How to authenticate: header `WWW-Authenticate`. */
  challenge?: string
  cause?: unknown
}

/** Thrown anywhere below a route, or sent as an answer; the server turns it into a document. */
export class Problem extends Error {
  readonly code: ProblemCode
  readonly status: number
  readonly headers: Readonly<Record<string, string>>
  readonly document: Readonly<Record<string, unknown>>

  constructor(
    code: ProblemCode,
    { retryAfter, allow, acceptEncoding, challenge, cause, ...members }: ProblemOptions = {},
  ) {
    const [status, title] = catalogue[code]
    super(title, { cause })
    this.code = code
    this.status = status
    this.headers = {
      'content-type': 'application/problem+json',
      'cache-control': 'no-store',
      ...(retryAfter === undefined ? {} : { 'retry-after': String(retryAfter) }),
      ...(allow === undefined ? {} : { allow: allow.join(', ') }),
      ...(acceptEncoding === undefined ? {} : { 'accept-encoding': acceptEncoding.join(', ') }),
      ...(challenge === undefined ? {} : { 'www-authenticate': challenge }),
    }
    this.document = { type: base + code, title, status, ...members }
  }
}

/** Codes of Fastify's own errors that a client causes. */
const fastifyCodes: Readonly<Record<string, ProblemCode>> = {
  FST_ERR_CTP_BODY_TOO_LARGE: 'payload-too-large',
  FST_ERR_CTP_INVALID_MEDIA_TYPE: 'unsupported-media-type',
  FST_ERR_CTP_INVALID_CONTENT_LENGTH: 'bad-request',
  FST_ERR_BAD_URL: 'bad-request',
  FST_ERR_ROUTE_MISSING_CONTENT_TYPE: 'bad-request',
  FST_ERR_MAX_PARAM_LENGTH: 'not-found',
}

/** Any error as a problem: what we do not know is `internal` and says nothing. */
export function problemOf(error: unknown): Problem {
  if (error instanceof Problem) return error
  const code = codeOf(error)
  const known = code === undefined ? undefined : fastifyCodes[code]
  return new Problem(known ?? 'internal', { cause: error })
}

function codeOf(error: unknown): string | undefined {
  const hasCode = typeof error === 'object' && error !== null && 'code' in error
  return hasCode && typeof error.code === 'string' ? error.code : undefined
}
