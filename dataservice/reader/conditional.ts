/** Answers with an ETag, and 304 for a client that has them already (RFC 9110, 13.1.2). */
import type { FastifyReply, FastifyRequest } from 'fastify'
import { sendText } from '#dataservice/platform/http/send-text.ts'
import type { Entity } from './entity.ts'

export interface Caching {
  /** A strong tag: the same bytes. A weak one: the same records. */
  strength: 'strong' | 'weak'
  cacheControl: string
  vary?: string
}

/** Records never change; still a client asks again after a while, because they may be erased. */
export const recordCaching: Caching = { strength: 'strong', cacheControl: 'private, max-age=60' }
/** Where records change the client asks each time whether it still is so. */
export const changingCaching: Caching = { strength: 'strong', cacheControl: 'private, no-cache' }
/** For the client that asked, and only after asking whether it is still so. */
export const pageCaching: Caching = { strength: 'weak', cacheControl: 'private, no-cache', vary: 'accept' }

const noBytes = Buffer.alloc(0)

/** Sends JSON, or 304 without a body. */
export function sendEntity(
  request: FastifyRequest,
  reply: FastifyReply,
  { body = noBytes, tag }: Entity,
  { strength, cacheControl, vary }: Caching,
): void {
  reply
    .header('etag', strength === 'strong' ? `"${tag}"` : `W/"${tag}"`)
    .header('cache-control', cacheControl)
  if (vary !== undefined) reply.header('vary', vary)
  const known = request.headers['if-none-match']
  if (known !== undefined && names(known, tag)) reply.code(304).send()
  else sendText(reply.header('content-type', 'application/json'), body)
}

/** Whether a list of tags names this one. Weak comparison, as for every GET. */
function names(list: string, tag: string): boolean {
  return list.split(',').some(each => {
    const text = each.trim()
    return text === '*' || text === `"${tag}"` || text === `W/"${tag}"`
  })
}
