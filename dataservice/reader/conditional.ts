/** Answers with an ETag, and 304 for a client that has them already (RFC 9110, 13.1.2). */
import type { FastifyReply, FastifyRequest } from 'fastify'
import { namesTag } from '#dataservice/platform/http/entity-tags.ts'
import { internalHeaders } from '#dataservice/platform/http/internal-headers.ts'
import { sendText } from '#dataservice/platform/http/send-text.ts'
import type { Entity } from './entity.ts'

export interface Caching {
  /** A strong tag: the same bytes. A weak one: the same records. */
  strength: 'strong' | 'weak'
  cacheControl: string
  vary?: string
  /** How long the gateway may give the answer to others, too, in milliseconds. */
  keepMs?: number
}

/** Records never change; still one asks again after a while, because they may be erased. */
export const recordCaching: Caching = {
  strength: 'strong',
  cacheControl: 'private, max-age=60',
  keepMs: 10_000,
}
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
  { strength, cacheControl, vary, keepMs }: Caching,
): void {
  reply
    .header('etag', strength === 'strong' ? `"${tag}"` : `W/"${tag}"`)
    .header('cache-control', cacheControl)
  if (vary !== undefined) reply.header('vary', vary)
  if (keepMs !== undefined) reply.header(internalHeaders.keepMs, String(keepMs))
  const known = request.headers['if-none-match']
  if (known !== undefined && namesTag(known, tag)) reply.code(304).send()
  else sendText(reply.header('content-type', 'application/json'), body)
}
