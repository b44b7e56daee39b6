/** What can go wrong between the operator and the API server, as a closed list. */

/**
 * NotFound 404, AlreadyExists 409, Conflict 409 (field owned by another, UID or resourceVersion differs),
 * Invalid 400/413/415/422 (the body is wrong: repeating it cannot help), Forbidden 403, Unauthorized 401,
 * Gone 410 (the resourceVersion or continue token is too old, or newer than all that is known), TooManyRequests 429,
 * Unavailable (5xx, timeouts, broken connections), TooLarge (an answer of more bytes than are taken in: ask for less),
 * Protocol (an answer that is not what the API promises).
 */
export type ClusterErrorCode =
  | 'NotFound'
  | 'AlreadyExists'
  | 'Conflict'
  | 'Invalid'
  | 'Forbidden'
  | 'Unauthorized'
  | 'Gone'
  | 'TooManyRequests'
  | 'Unavailable'
  | 'TooLarge'
  | 'Protocol'

export interface ClusterErrorFacts {
  /** HTTP status; absent when no answer came. */
  status?: number
  /** `reason` of the API server's Status object, e.g. `NotFound`. */
  reason?: string
  /** How long the server asked to wait (Retry-After). */
  retryAfterMs?: number
  /** Paths of the fields that the server found at fault, e.g. `spec.selector`. */
  fields?: readonly string[]
  cause?: unknown
}

/** The only error that leaves operator/cluster. */
export class ClusterError extends Error {
  override readonly name = 'ClusterError'
  readonly code: ClusterErrorCode
  readonly status: number | undefined
  readonly reason: string
  readonly retryAfterMs: number | undefined
  readonly fields: readonly string[]
  constructor(code: ClusterErrorCode, message: string, facts: ClusterErrorFacts = {}) {
    super(message, facts.cause === undefined ? {} : { cause: facts.cause })
    this.code = code
    this.status = facts.status
    this.reason = facts.reason ?? code
    this.retryAfterMs = facts.retryAfterMs
    this.fields = facts.fields ?? []
  }

  /** True when the same request may succeed later without anybody changing anything. */
  get retryable(): boolean {
    return this.code === 'Unavailable' || this.code === 'TooManyRequests'
  }
}

/** `isClusterError(error, 'Conflict', 'AlreadyExists')`; without codes any ClusterError will do. */
export function isClusterError(error: unknown, ...codes: readonly ClusterErrorCode[]): error is ClusterError {
  return error instanceof ClusterError && (codes.length === 0 || codes.includes(error.code))
}
