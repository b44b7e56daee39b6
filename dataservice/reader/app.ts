/** The reader's routes as a plugin; tests drive it by `inject`. */
import type { KeyObject } from 'node:crypto'
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import { CircuitOpen } from '#dataservice/platform/circuit.ts'
import { internalHeaders } from '#dataservice/platform/http/internal-headers.ts'
import { type ExportFormat, listFormat } from '#dataservice/platform/http/list-format.ts'
import { ownKeyOf } from '#dataservice/platform/http/own-key.ts'
import { type InputError, Problem } from '#dataservice/platform/http/problems.ts'
import { resource } from '#dataservice/platform/http/resource.ts'
import { DatabaseFailure, tooSlow } from '#dataservice/platform/postgres/failure.ts'
import { type LogPosition, readTokens, tokenHeader } from '#dataservice/record/consistency-token.ts'
import { probePath, type StoredProbe, storedProbesText } from '#dataservice/record/probe.ts'
import { type Caching, pageCaching, recordCaching, sendEntity } from './conditional.ts'
import type { Exporter } from './export.ts'
import type { Selection } from './fields.ts'
import type { History } from './history.ts'
import { answerHistory, isHistoryUrl } from './history-routes.ts'
import { idOfUrl } from './ids.ts'
import type { IndexReadiness } from './index-readiness.ts'
import type { Lookup } from './lookup.ts'
import { answerPassed, answerStatus, answerStored, isStatusUrl } from './outcome-routes.ts'
import type { Outcomes } from './outcomes.ts'
import { type KeyPlace, narrowed } from './own-records.ts'
import { allowedFields, type PageRequest, parseQuery, parseSelection } from './parameters.ts'
import { type Ask, ForeignToken, NotStoredYet, TooLate } from './store.ts'

export interface ReaderPorts {
  lookup: Pick<Lookup, 'atHand' | 'record' | 'page'>
  exporter: Pick<Exporter, 'start'>
  indexes: Pick<IndexReadiness, 'check'>
  outcomes: Pick<Outcomes, 'status' | 'passed' | 'stored'>
  /** Where records change. */
  history?: Pick<History, 'page' | 'madeBy'>
  /** Probe records that are stored. */
  probes(ask: Ask): Promise<readonly StoredProbe[]>
  /** What clients are told of keeping a record. */
  caching: Caching
  /** What a list may be asked for, and where a record carries its key. */
  place: KeyPlace
  /** Opens consistency tokens. */
  tokenKey: KeyObject
}

const retryAfterSeconds = 1
/** For questions that come without a deadline of their own. */
const deadlineMs = 5_000

/** A route that obeys the own key of a caller; every other one is closed to callers that have one. */
const obeys = { ownRecords: true }

export async function reader(app: FastifyInstance, ports: ReaderPorts): Promise<void> {
  app.addHook('onRequest', refuseUnlessObeyed)
  resource(app, '/data', {
    GET: { config: obeys, handler: (request, reply) => answerList(ports, request, reply) },
  })
  // Not `/data/:id`: the router would read `%252F` as a slash.
  resource(app, '/data/*', {
    GET: { config: obeys, handler: (request, reply) => answerRecord(ports, request, reply) },
  })
  const { history } = ports
  if (history)
    resource(app, '/versions/*', {
      GET: (request, reply) =>
        answerVersion(history, request, reply, askOf(request, ports.tokenKey)).catch(unavailable),
    })
  resource(app, '/outcomes', {
    GET: (request, reply) =>
      answerPassed(ports.outcomes, request, reply, askOf(request, ports.tokenKey)).catch(unavailable),
  })
  resource(app, probePath, {
    GET: async (request, reply) => {
      const stored = await ports.probes(askOf(request, ports.tokenKey)).catch(unavailable)
      return reply
        .headers({ 'content-type': 'application/json', 'cache-control': 'no-store' })
        .send(storedProbesText(stored))
    },
  })
  resource(app, '/stored', {
    GET: (request, reply) =>
      answerStored(ports.outcomes, reply, askOf(request, ports.tokenKey)).catch(unavailable),
  })
}

function refuseUnlessObeyed(
  request: FastifyRequest,
  _reply: FastifyReply,
  done: (error?: Error) => void,
): void {
  const isOpen = request.routeOptions.config.ownRecords === true || ownKeyOf(request.headers) === undefined
  done(isOpen ? undefined : new Problem('forbidden'))
}

/** For gateways: the version that an event has made, as an ETag. */
async function answerVersion(
  history: Pick<History, 'madeBy'>,
  request: FastifyRequest,
  reply: FastifyReply,
  ask: Ask,
): Promise<FastifyReply> {
  const eventId = /^\/versions\/([^/?#]+)$/.exec(request.raw.url ?? '')?.[1] ?? ''
  const version = await history.madeBy(eventId, ask)
  if (version === undefined) throw new Problem('not-found')
  return reply.headers({ etag: `"${version}"`, 'cache-control': 'no-store' }).send()
}

/** What is at hand is sent at once, without a promise. */
function answerRecord(ports: ReaderPorts, request: FastifyRequest, reply: FastifyReply): unknown {
  const url = request.raw.url ?? ''
  const id = idOfUrl(url)
  if (id === undefined) return answerBeside(ports, request, reply)
  const own = ownKeyOf(request.headers)
  const entity = url.includes('?') || own !== undefined ? undefined : ports.lookup.atHand(id)
  if (entity === undefined) return findRecord(ports, { id, own }, request, reply)
  sendEntity(request, reply, entity, recordCaching)
  return undefined
}

/** What else there is of a record. */
async function answerBeside(
  { outcomes, history, tokenKey }: ReaderPorts,
  request: FastifyRequest,
  reply: FastifyReply,
): Promise<FastifyReply> {
  const url = request.raw.url ?? ''
  if (history && isHistoryUrl(url))
    return answerHistory(history, request, reply, askOf(request, tokenKey)).catch(unavailable)
  if (!isStatusUrl(url)) throw new Problem('not-found')
  return answerStatus(outcomes, request, reply, askOf(request, tokenKey)).catch(unavailable)
}

/** What is sent at once is not answered by the promise as well: Fastify would wait for the reply anew. */
async function findRecord(
  { lookup, caching, tokenKey }: ReaderPorts,
  { id, own }: { id: string; own: string | undefined },
  request: FastifyRequest,
  reply: FastifyReply,
): Promise<void> {
  const narrowing = { selection: selectionOf(request), own }
  const answer = await lookup.record(id, askOf(request, tokenKey), narrowing).catch(unavailable)
  if (answer.kind === 'absent') throw new Problem('record-not-found')
  if (answer.kind === 'not-yet-visible')
    throw new Problem('not-yet-visible', { retryAfter: retryAfterSeconds })
  if (answer.kind === 'moved') sendMoved(request, reply, answer.winner)
  else sendEntity(request, reply, answer.entity, caching)
}

/** The same question about the record that stands for this one. */
function sendMoved(request: FastifyRequest, reply: FastifyReply, winner: string): void {
  const location = `/data/${encodeURIComponent(winner)}${searchOf(request)}`
  reply.code(308).headers({ location, 'cache-control': recordCaching.cacheControl }).send()
}

function selectionOf(request: FastifyRequest): Selection | undefined {
  const search = searchOf(request)
  if (search === '') return undefined
  const errors: InputError[] = []
  const selection = parseSelection(new URLSearchParams(search).get('fields') ?? undefined, errors)
  if (errors.length > 0) throw new Problem('invalid-query', { errors })
  return selection
}

async function answerList(
  ports: ReaderPorts,
  request: FastifyRequest,
  reply: FastifyReply,
): Promise<FastifyReply> {
  const asked = listRequest(request, ports.place)
  const ask = askOf(request, ports.tokenKey)
  await ports.indexes.check(asked.question.conditions, ask)?.catch(unavailable)
  const format = listFormat(request.headers.accept)
  if (format !== 'page') return answerExport(ports, asked, format, request, reply)
  const answer = await ports.lookup.page(asked, ask).catch(unavailable)
  if (answer.kind === 'foreign-cursor') throw foreignCursor()
  sendEntity(request, reply, answer.entity, pageCaching)
  return reply
}

async function answerExport(
  { exporter, tokenKey }: ReaderPorts,
  asked: PageRequest,
  format: ExportFormat,
  request: FastifyRequest,
  reply: FastifyReply,
): Promise<FastifyReply> {
  const given = new URLSearchParams(searchOf(request))
  const errors = ['limit', 'count'].flatMap(parameter =>
    given.has(parameter)
      ? [{ parameter, message: 'cannot stand with an export, which gives all there is' }]
      : [],
  )
  if (errors.length > 0) throw new Problem('invalid-query', { errors })
  const records = await exporter.start(asked, format, askOf(request, tokenKey)).catch(unavailable)
  if (records === undefined) throw foreignCursor()
  reply.headers({ 'content-type': records.contentType, 'cache-control': 'no-store', vary: 'accept' })
  if (request.method !== 'HEAD') return reply.send(records.body)
  records.body.destroy()
  return reply.send()
}

/** What stands behind the `?`, with it; empty when there is none. */
function searchOf({ raw: { url = '' } }: FastifyRequest): string {
  const start = url.indexOf('?')
  return start < 0 ? '' : url.slice(start)
}

function listRequest(request: FastifyRequest, place: KeyPlace): PageRequest {
  const search = searchOf(request)
  const own = ownKeyOf(request.headers)
  const parsed = parseQuery(own === undefined ? search : narrowed(search, own, place), place.indexes)
  if (parsed.kind === 'request') return own === undefined ? parsed.request : ownOnly(parsed.request, own)
  const detail = `Fields that can be asked for: ${allowedFields(place.indexes)}.`
  throw new Problem('invalid-query', { detail, errors: parsed.errors })
}

const ownOnly = (request: PageRequest, own: string): PageRequest => ({
  ...request,
  question: { ...request.question, own },
})

function askOf(request: FastifyRequest, tokenKey: KeyObject): Ask {
  const given = request.headers[internalHeaders.deadline]
  const milliseconds = typeof given === 'string' && /^\d{1,6}$/.test(given) ? Number(given) : deadlineMs
  const deadline = performance.now() + Math.min(milliseconds, deadlineMs)
  const token = tokenOf(request, tokenKey)
  return token === undefined ? { deadline } : { deadline, token }
}

function tokenOf(request: FastifyRequest, key: KeyObject): LogPosition | undefined {
  const header = request.headers[tokenHeader]
  if (header === undefined) return undefined
  const position = readTokens(key, String(header))
  if (position === undefined) throw invalidToken('Send it as it came, or ask without it.')
  return position
}

const invalidToken = (detail: string) => new Problem('invalid-token', { detail })

function foreignCursor(): Problem {
  const message = 'is no cursor of this query: repeat the query that it came from, or start without one'
  return new Problem('invalid-query', { errors: [{ parameter: 'cursor', message }] })
}

function unavailable(cause: unknown): never {
  const retry = { retryAfter: retryAfterSeconds, cause }
  if (cause instanceof TooLate) throw new Problem('reader-timeout', retry)
  if (cause instanceof NotStoredYet) throw new Problem('not-stored-yet', retry)
  if (cause instanceof ForeignToken)
    throw invalidToken(
      'It is of a log that was replaced: ask without it, and use the token of a newer write.',
    )
  if (cause instanceof CircuitOpen) throw new Problem('store-unavailable', { ...retry, circuit: cause.state })
  if (!(cause instanceof DatabaseFailure)) throw cause
  throw new Problem(cause.sqlState === tooSlow ? 'reader-timeout' : 'store-unavailable', retry)
}
