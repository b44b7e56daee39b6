/** The reader's routes as a plugin; tests drive it by `inject`. */
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import type { DeclaredIndex } from '#dataservice/contract/record-declaration.ts'
import { Problem } from '#dataservice/platform/http/problems.ts'
import { resource } from '#dataservice/platform/http/resource.ts'
import { DatabaseFailure } from '#dataservice/platform/postgres/failure.ts'
import { idOfUrl } from './ids.ts'
import type { Lookup } from './lookup.ts'
import { allowedFields, parseQuery } from './parameters.ts'

export interface ReaderPorts {
  lookup: Pick<Lookup, 'record' | 'page'>
  indexes: readonly DeclaredIndex[]
}

const retryAfterSeconds = 1

export async function reader(app: FastifyInstance, ports: ReaderPorts): Promise<void> {
  resource(app, '/data', { GET: (request, reply) => answerPage(ports, request, reply) })
  // Not `/data/:id`: the router would read `%252F` as a slash.
  resource(app, '/data/*', { GET: (request, reply) => answerRecord(ports, request, reply) })
}

async function answerRecord({ lookup }: ReaderPorts, request: FastifyRequest, reply: FastifyReply) {
  const id = idOfUrl(request.raw.url ?? '')
  if (id === undefined) throw new Problem('not-found')
  const answer = await lookup.record(id).catch(unavailable)
  if (answer.kind === 'found') return sendJson(reply, answer.body)
  if (answer.kind === 'absent') throw new Problem('record-not-found')
  throw new Problem('not-yet-visible', { retryAfter: retryAfterSeconds })
}

async function answerPage({ lookup, indexes }: ReaderPorts, request: FastifyRequest, reply: FastifyReply) {
  const query = new URL(request.raw.url ?? '/', 'http://reader').searchParams
  const parsed = parseQuery(query, indexes)
  if (parsed.kind === 'refused') {
    const detail = `Fields that can be asked for: ${allowedFields(indexes)}.`
    throw new Problem('invalid-query', { detail, errors: parsed.errors })
  }
  const answer = await lookup.page(parsed.request).catch(unavailable)
  if (answer.kind === 'page') return sendJson(reply, answer.body)
  const message = 'is no cursor of this query: repeat the query that it came from, or start without one'
  throw new Problem('invalid-query', { errors: [{ parameter: 'cursor', message }] })
}

function sendJson(reply: FastifyReply, body: Buffer): FastifyReply {
  return reply.header('content-type', 'application/json').send(body)
}

/** The statement was cut off by its time limit. */
const tooSlow = '57014'

function unavailable(error: unknown): never {
  if (!(error instanceof DatabaseFailure)) throw error
  const code = error.sqlState === tooSlow ? 'reader-timeout' : 'store-unavailable'
  throw new Problem(code, { retryAfter: retryAfterSeconds, cause: error })
}
