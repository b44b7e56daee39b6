/** What the reader answers goes through the gateway: status, headers and body as they come. */
import type { IncomingHttpHeaders } from 'node:http'
import type { FastifyReply, FastifyRequest } from 'fastify'
import { internalHeaders } from '#dataservice/platform/http/internal-headers.ts'
import { ownKeyText } from '#dataservice/platform/http/own-key.ts'
import { Problem } from '#dataservice/platform/http/problems.ts'
import { sendText } from '#dataservice/platform/http/send-text.ts'
import { addVary } from '#dataservice/platform/http/vary.ts'
import { tokenHeader } from '#dataservice/record/consistency-token.ts'
import { retryAfterSeconds } from '../answers.ts'
import type { ReaderPort } from '../reader-port.ts'

/** Headers of a client that mean something to the reader. */
const requestHeaders = ['accept', 'if-none-match', tokenHeader, 'traceparent', 'tracestate'] as const

/** Headers that belong to the connection to the reader (RFC 9110, 7.6.1), or are between it and us. */
const connectionHeaders: ReadonlySet<string> = new Set([
  internalHeaders.keepMs,
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
      headers: forwarded(request),
    })
    if (answer.kind === 'timeout') throw new Problem('reader-timeout', { retryAfter: retryAfterSeconds })
    if (answer.kind === 'unavailable') {
      const { circuit } = answer
      throw new Problem('reader-unavailable', { retryAfter: retryAfterSeconds, ...(circuit && { circuit }) })
    }
    passHeaders(answer.headers, reply)
    reply.code(answer.status)
    return Buffer.isBuffer(answer.body) ? sendText(reply, answer.body) : reply.send(answer.body)
  }
}

function passHeaders(headers: IncomingHttpHeaders, reply: FastifyReply): void {
  for (const name in headers) {
    const value = headers[name]
    if (value === undefined || connectionHeaders.has(name)) continue
    if (name === 'vary') addVary(reply, String(value))
    else reply.header(name, value)
  }
}

function forwarded({ headers, ownKey }: FastifyRequest): Record<string, string> {
  const kept: Record<string, string> = {}
  if (ownKey !== undefined) kept[internalHeaders.ownKey] = ownKeyText(ownKey)
  for (const name of requestHeaders) {
    const value = headers[name]
    if (typeof value === 'string') kept[name] = value
  }
  return kept
}
