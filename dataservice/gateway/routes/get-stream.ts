/** `GET /data/stream`: what was stored, as server-sent events. */
import type { FastifyReply, FastifyRequest } from 'fastify'
import { type InputError, Problem } from '#dataservice/platform/http/problems.ts'
import { eventStreamType } from '../changes/frames.ts'
import { type After, readAfter } from '../changes/start-position.ts'
import type { Streams } from '../changes/streams.ts'

/** Proxies shall not hold events back. */
const headers = { 'content-type': eventStreamType, 'cache-control': 'no-store', 'x-accel-buffering': 'no' }

/** What a client sends that was cut off. */
const lastEventId = 'last-event-id'

export function getStream(streams: Pick<Streams, 'start'>) {
  return async (request: FastifyRequest, reply: FastifyReply): Promise<FastifyReply> => {
    const after = afterOf(request)
    const body = request.method === 'HEAD' ? undefined : await streams.start(after, request.ownKey)
    return reply.headers(headers).send(body)
  }
}

/** A client that comes again knows better than the URL that it began with. */
function afterOf(request: FastifyRequest): After {
  const { searchParams } = new URL(request.raw.url ?? '/', 'http://gateway')
  const errors = [...new Set(searchParams.keys())].flatMap((parameter): InputError[] =>
    parameter === 'after' ? [] : [{ parameter, message: 'is no parameter here: after is' }],
  )
  if (errors.length > 0) throw new Problem('invalid-query', { errors })
  const last = request.headers[lastEventId]
  if (typeof last === 'string' && last !== '') return readAfter(last, 'Last-Event-ID')
  return readAfter(searchParams.get('after') ?? 'now', 'after')
}
