/** What a POST asks for, from its URL and headers. Pure. */
import type { FastifyRequest } from 'fastify'
import {
  acceptedMediaTypes,
  bodyEncoding,
  bodyFormat,
  type Encoding,
  encodings,
} from '#dataservice/platform/http/media-type.ts'
import { preferences } from '#dataservice/platform/http/prefer.ts'
import { Problem } from '#dataservice/platform/http/problems.ts'
import type { Acks } from '#dataservice/platform/kafka/port.ts'
import type { BodyFormat } from '#dataservice/record/scan.ts'

type Asked = Pick<FastifyRequest, 'headers' | 'query' | 'raw'>

/** The format of the body. Throws a Problem when it is not supported. */
export function formatOf({ headers }: Asked): BodyFormat {
  const format = bodyFormat(headers['content-type'])
  if (format !== undefined) return format
  const detail = `Send ${acceptedMediaTypes.join(', ')} in UTF-8.`
  throw new Problem('unsupported-media-type', { detail })
}

/** How the body is packed. Throws a Problem when nobody here can unpack it. */
export function encodingOf({ headers }: Asked): Encoding | 'identity' {
  const encoding = bodyEncoding(headers['content-encoding'])
  if (encoding !== undefined) return encoding
  throw unsupportedEncoding(`Pack the body by one of ${encodings.join(', ')}, or not at all.`)
}

const unsupportedEncoding = (detail: string) =>
  new Problem('unsupported-media-type', { detail, acceptEncoding: encodings })

/** `?validate=only`: judged, not stored. Throws a Problem for another value. */
export function isOnlyValidated({ raw: { url = '' }, query }: Asked): boolean {
  if (!url.includes('?')) return false
  const value: unknown =
    typeof query === 'object' && query !== null ? Reflect.get(query, 'validate') : undefined
  if (value === undefined || value === 'only') return value === 'only'
  throw new Problem('invalid-query', { errors: [{ parameter: 'validate', message: 'can only be "only"' }] })
}

/** `Prefer: stream`: lines whose results the client wants while they come. Throws a Problem when they are packed. */
export function isStream(request: Asked): boolean {
  const { prefer, 'content-type': type } = request.headers
  if (prefer === undefined || bodyFormat(type) !== 'lines') return false
  if (!preferences(prefer).has('stream') || isOnlyValidated(request)) return false
  if (encodingOf(request) === 'identity') return true
  throw unsupportedEncoding('A stream is sent as it is, without Content-Encoding.')
}

const acksByName: Readonly<Record<string, Acks>> = { 0: 0, 1: 1, all: 'all' }

/**
 * `Prefer: acks=0|1|all`: who must have a record before the answer; undefined without the preference. Throws a Problem
 * when something else in the request needs a record that cannot be lost.
 */
export function acksOf({ headers }: Asked): Acks | undefined {
  if (headers.prefer === undefined) return undefined
  const preferred = preferences(headers.prefer)
  const acks = acksByName[preferred.get('acks') ?? '']
  if (acks === undefined || acks === 'all') return acks
  if (preferred.has('wait')) throw needsSafety('Prefer: wait', acks)
  if (headers['idempotency-key'] !== undefined) throw needsSafety('Idempotency-Key', acks)
  return acks
}

const needsSafety = (what: string, acks: Acks) =>
  new Problem('unsupported-header', {
    detail: `${what} needs acks=all, because a record with acks=${acks} may be lost: leave one of the two out.`,
  })

/** Bytes that a body may have: without a length as many as are allowed. */
export function declaredBytes({ headers }: Asked, limit: number): number {
  const declared = Number(headers['content-length'] ?? limit)
  return Number.isSafeInteger(declared) && declared >= 0 ? Math.min(declared, limit) : limit
}
