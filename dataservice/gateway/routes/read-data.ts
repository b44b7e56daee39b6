/** What the reader answers goes through the gateway: status, headers and body as they come. */
import type { IncomingHttpHeaders } from 'node:http'
import type { FastifyReply, FastifyRequest } from 'fastify'
import { Problem } from '#dataservice/platform/http/problems.ts'
import { retryAfterSeconds } from '../answers.ts'
import type { ReaderPort } from '../reader-port.ts'

/** Headers of a client that mean something to the reader. */
const requestHeaders = [
  'accept',
  'if-none-match',
  'if-modified-since',
  'prefer',
  'traceparent',
  'tracestate',
] as const

/** Headers that belong to one connection (RFC 9110, 7.6.1), not to the answer. */
const connectionHeaders = new Set([
  'connection',
  'keep-alive',
  'proxy-authenticate',
  'proxy-connection',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
])

export function readData(reader: ReaderPort) {
  return async (request: FastifyRequest, reply: FastifyReply): Promise<FastifyReply> => {
    const method = request.method === 'HEAD' ? 'HEAD' : 'GET'
    const answer = await reader.ask({
      method,
      path: request.raw.url ?? '/',
      headers: forwarded(request.headers),
    })
    if (answer.kind === 'timeout') throw new Problem('reader-timeout', { retryAfter: retryAfterSeconds })
    if (answer.kind === 'unavailable')
      throw new Problem('reader-unavailable', { retryAfter: retryAfterSeconds })
    for (const [name, value] of Object.entries(answer.headers)) {
      if (value !== undefined && !connectionHeaders.has(name)) reply.header(name, value)
    }
    return reply.code(answer.status).send(answer.body)
  }
}

function forwarded(headers: IncomingHttpHeaders): Record<string, string> {
  return Object.fromEntries(
    requestHeaders.flatMap(name => {
      const value = headers[name]
      return typeof value === 'string' ? [[name, value]] : []
    }),
  )
}
