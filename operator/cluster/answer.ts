/** Turns what the API server answered into a value or a ClusterError. Pure. */
import { ClusterError, type ClusterErrorCode, type ClusterErrorFacts } from './errors.ts'

/** Where several errors share one HTTP status, the reason decides. */
const codeOfReason: Record<string, ClusterErrorCode> = {
  AlreadyExists: 'AlreadyExists',
  Expired: 'Gone',
  Gone: 'Gone',
  ServerTimeout: 'Unavailable',
  Timeout: 'Unavailable',
}

const codeOfStatus: Record<number, ClusterErrorCode> = {
  400: 'Invalid',
  401: 'Unauthorized',
  403: 'Forbidden',
  404: 'NotFound',
  405: 'Invalid',
  408: 'Unavailable',
  409: 'Conflict',
  410: 'Gone',
  413: 'Invalid',
  415: 'Invalid',
  422: 'Invalid',
  429: 'TooManyRequests',
}

export interface Answer {
  status: number
  /** The parsed body, or its text when it is not JSON. */
  body: unknown
  /** The value of Retry-After in seconds; the API server never sends a date. */
  retryAfter?: string | undefined
}

/** The error that an answer with a status other than 2xx, or an ERROR event of a watch, stands for. */
export function errorOfAnswer(answer: Answer, request: string): ClusterError {
  const { status, body } = answer
  const fields = isRecord(body) ? body : {}
  const reason = typeof fields.reason === 'string' && fields.reason !== '' ? fields.reason : undefined
  const message = messageOf(body)
  const details = isRecord(fields.details) ? fields.details : {}
  const isAhead = causesOf(details).some(cause => cause.reason === aheadOfServer)
  const code = isAhead ? 'Gone' : codeOf(status, reason, message)
  const facts: ClusterErrorFacts = { status, fields: faultyFields(details) }
  if (reason !== undefined) facts.reason = reason
  const wait = retryAfterMs(answer.retryAfter ?? details.retryAfterSeconds)
  if (wait !== undefined) facts.retryAfterMs = wait
  return new ClusterError(code, `${request}: ${status} ${message}`, facts)
}

/**
 * The version asked for is newer than all that the server knows. Where the cluster was restored from a backup it stays
 * so for hours, and only a new list tells what there is.
 */
const aheadOfServer = 'ResourceVersionTooLarge'

/** So begins what server-side apply says of a field it does not know. It comes as 500, but can never succeed. */
const unknownField = 'failed to create typed patch object'

function codeOf(status: number, reason: string | undefined, message: string): ClusterErrorCode {
  if (status === 500 && message.startsWith(unknownField)) return 'Invalid'
  return codeOfReason[reason ?? ''] ?? codeOfStatus[status] ?? (status >= 500 ? 'Unavailable' : 'Protocol')
}

export function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function messageOf(body: unknown): string {
  const message = isRecord(body) && typeof body.message === 'string' ? body.message : body
  return typeof message === 'string' ? message.slice(0, 2000) : 'without a message'
}

function retryAfterMs(wait: unknown): number | undefined {
  const seconds = typeof wait === 'string' || typeof wait === 'number' ? Number(wait) : Number.NaN
  return seconds >= 0 ? seconds * 1000 : undefined
}

const faultyFields = (details: Record<string, unknown>): string[] =>
  causesOf(details).flatMap(({ field }) => (typeof field === 'string' ? [field] : []))

const causesOf = ({ causes }: Record<string, unknown>): Record<string, unknown>[] =>
  Array.isArray(causes) ? causes.filter(isRecord) : []
