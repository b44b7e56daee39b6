/** The HTTP server of gateway and reader: limits, raw bodies, problem documents and metrics; no routes. */
import { once } from 'node:events'
import type { RequestListener } from 'node:http'
import { createServer, Socket } from 'node:net'
import {
  type FastifyBaseLogger,
  type FastifyInstance,
  type FastifyReply,
  type FastifyRequest,
  fastify,
  LogController,
} from 'fastify'
import type { Registry } from 'prom-client'
import { acceptedMediaTypes } from './media-type.ts'
import { httpMetrics } from './metrics.ts'
import { Problem, type ProblemCode, problemOf } from './problems.ts'
import { type Door, innerDoor, type ServerTls, secureServer } from './server-tls.ts'
import { wholeBody } from './whole-body.ts'

export interface ServerOptions {
  log: FastifyBaseLogger
  metrics: Registry
  /** Default 10 MiB. */
  maxBodyBytes?: number
  /** How long a request may take to arrive. Default 30 s. */
  requestTimeoutMs?: number
  /** A connection on which nothing goes either way for so long is closed, read or not. Default 60 s. */
  silentMs?: number
  /** Absent: plain. */
  tls?: ServerTls
  /** Callers keep their connections for `ownCallersKeepMs`, and need not be told with each answer how long they may. */
  hasOwnCallers?: boolean
  /** Opened and closed with the server. */
  door?: Door
}

export interface HttpServer {
  app: FastifyInstance
  /** Default host: all interfaces, IPv6 and IPv4 where the machine has both. */
  listen(at: { port: number; host?: string }): Promise<void>
  /** From now on every answer asks its client to connect anew (elsewhere). */
  drain(): void
  isDraining(): boolean
}

/** Below the server's own time, so that the caller closes first. */
export const ownCallersKeepMs = 60_000

const limits = {
  bodyBytes: 10 * 1024 * 1024,
  /** URL and headers together. */
  headerBytes: 16 * 1024,
  /** A client that sends slower than this is cut off. */
  headersTimeoutMs: 10_000,
  requestTimeoutMs: 30_000,
  /** Above the idle time of usual load balancers, so that they close first. */
  keptMs: 65_000,
  /**
   * What clients are told of it, less than a drain takes: who heeds it has no idle connection left when the server closes, and
   * sends no record into one that is just being closed.
   */
  toldKeptMs: 4_000,
  parameterLength: 512,
  /** Nothing went either way, also while an answer waits to be read. Above all times for which an answer may be silent. */
  silentMs: 60_000,
} as const

/** A server with nothing but its rules; register routes on `app`, then `listen` or `inject`. */
export function makeServer(options: ServerOptions): HttpServer {
  const { log, metrics, tls, door, maxBodyBytes = limits.bodyBytes } = options
  const { http, timeouts, silentMs } = patienceOf(options)
  const app = fastify({
    loggerInstance: log,
    logController: new LogController({ disableRequestLogging: true }),
    childLoggerFactory: logger => logger, // one for each request would cost more than finding its answer
    bodyLimit: maxBodyBytes,
    ...timeouts,
    connectionTimeout: silentMs,
    http,
    ...(tls && {
      serverFactory: (listener: RequestListener) =>
        secureServer(listener, tls, { ...http, ...timeouts, silentMs }),
    }),
    routerOptions: { maxParamLength: limits.parameterLength },
    // What still comes in on a kept connection while we close is served: it may already stand in the log.
    return503OnClosing: false,
    forceCloseConnections: 'idle',
    trustProxy: false,
    clientErrorHandler: answerBrokenRequest,
    frameworkErrors: (error, _request, reply) => void sendProblem(reply, problemOf(error)),
  })
  takeBodiesAsTheyCome(app, maxBodyBytes)
  countAnswers(app, metrics)
  answerProblems(app)
  const openDoor = door && innerDoor(app, door, { ...http, ...timeouts, silentMs })
  let isDraining = false
  app.addHook('onSend', (_request, reply, _payload, done) => {
    if (isDraining) reply.header('connection', 'close')
    else if (options.hasOwnCallers) reply.raw.removeHeader('connection') // and with it the time that Node would tell
    done()
  })
  return {
    app,
    listen: async at => {
      const host = await anyHost()
      await app.listen({ host, ...at })
      await openDoor?.(host)
    },
    drain: () => {
      isDraining = true
    },
    isDraining: () => isDraining,
  }
}

/** How long a client may take with everything. */
function patienceOf({ requestTimeoutMs: requestTimeout = limits.requestTimeoutMs, silentMs }: ServerOptions) {
  const http = {
    maxHeaderSize: limits.headerBytes,
    headersTimeout: Math.min(limits.headersTimeoutMs, requestTimeout),
    connectionsCheckingInterval: requestTimeout / 10, // Node's own is 30 s, which would double the time
    keepAliveTimeoutBuffer: limits.keptMs - limits.toldKeptMs,
  }
  const timeouts = { requestTimeout, keepAliveTimeout: limits.toldKeptMs }
  return { http, timeouts, silentMs: silentMs ?? limits.silentMs }
}

/** `::` serves both families, but a kernel without IPv6 refuses it. */
async function anyHost(): Promise<string> {
  const probe = createServer()
  try {
    await once(probe.listen(0, '::'), 'listening')
    return '::'
  } catch {
    return '0.0.0.0'
  } finally {
    probe.close()
  }
}

/** Bodies arrive as buffers: nobody parses them before the scanner has judged the bytes. */
function takeBodiesAsTheyCome(app: FastifyInstance, maxBytes: number): void {
  app.removeAllContentTypeParsers()
  // `*` takes them all; a type that is named is found without being parsed.
  const types = [...acceptedMediaTypes, '*']
  app.addContentTypeParser(types, (_request, body, done) => wholeBody(body, maxBytes, done))
}

function countAnswers(app: FastifyInstance, metrics: Registry): void {
  const count = httpMetrics(metrics)
  app.addHook('onResponse', (request, reply, done) => {
    const { method, routeOptions } = request
    count({ method, route: routeOptions.url, status: reply.statusCode, milliseconds: reply.elapsedTime })
    done()
  })
}

function answerProblems(app: FastifyInstance): void {
  app.setNotFoundHandler((_request, reply) => sendProblem(reply, new Problem('not-found')))
  app.setErrorHandler((error, request, reply) => {
    const problem = problemOf(error)
    if (problem.code === 'internal')
      request.log.error(
        { err: error, route: request.routeOptions.url, request: request.id },
        'a request failed',
      )
    return sendProblem(reply, problem)
  })
}

/** Sends a problem document; as bytes, because Fastify adds a charset to texts. */
function sendProblem(reply: FastifyReply, problem: Problem): FastifyReply {
  return reply
    .code(problem.status)
    .headers(problem.headers)
    .send(Buffer.from(JSON.stringify(problem.document)))
}

/** Codes of Node's HTTP parser; all others are a bad request. */
const parserCodes: Readonly<Record<string, ProblemCode>> = {
  HPE_HEADER_OVERFLOW: 'headers-too-large',
  ERR_HTTP_REQUEST_TIMEOUT: 'request-timeout',
}

/** Connections whose request may take long to arrive. */
const patient = new WeakSet<Socket>()

/** This request may take as long as it likes to arrive, as long as one of the two sides says something. */
export function takeYourTime({ raw: { socket } }: FastifyRequest, reply: FastifyReply): void {
  if (!(socket instanceof Socket)) return // what `inject` makes
  patient.add(socket)
  socket.setTimeout(limits.requestTimeoutMs)
  reply.raw.once('close', () => patient.delete(socket))
}

/** What Node's parser refuses never becomes a request. */
function answerBrokenRequest(error: Error & { code?: string }, socket: Socket): void {
  if (error.code === 'ERR_HTTP_REQUEST_TIMEOUT' && patient.has(socket)) return
  if (error.code === 'ECONNRESET' || !socket.writable) {
    socket.destroy()
    return
  }
  const problem = new Problem(parserCodes[error.code ?? ''] ?? 'bad-request')
  const body = JSON.stringify(problem.document)
  const headers = {
    ...problem.headers,
    'content-length': String(Buffer.byteLength(body)),
    connection: 'close',
  }
  const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`)
  socket.end(`HTTP/1.1 ${problem.status} ${problem.message}\r\n${lines.join('')}\r\n${body}`)
}
