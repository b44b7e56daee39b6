/**
 * Requests to the API server: raw JSON bodies, a deadline, a bound on the size of answers, typed errors.
 * client-node's own requests drop fields of known kinds and open a connection for each call, hence this one.
 */
import { setTimeout as pause } from 'node:timers/promises'
import { type Dispatcher, request as undiciRequest } from 'undici'
import type { Access } from './access.ts'
import { errorOfAnswer } from './answer.ts'
import { ClusterError, isClusterError } from './errors.ts'

export interface ApiRequest {
  method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE'
  path: string
  /** Values that are undefined are left out. */
  query?: Readonly<Record<string, string | undefined>>
  /** Sent as JSON.stringify makes it, nothing added or left out. */
  body?: unknown
  /** Default `application/json`. */
  contentType?: string
  /** Ends the request; it then rejects with Unavailable. */
  signal?: AbortSignal
}

export interface Transport {
  /** The parsed body of a 2xx answer; rejects with ClusterError. 429 with Retry-After is repeated except for POST, that of other writes after a second at most. */
  send(request: ApiRequest): Promise<unknown>
  /**
   * The body of a 2xx answer as it comes. Ends cleanly only when the server ended it; rejects with Unavailable when
   * nothing came for `idleMs` (a half-open connection), when the connection broke or when it was aborted.
   */
  stream(request: ApiRequest & { idleMs: number; signal: AbortSignal }): Promise<AsyncIterable<Uint8Array>>
  /** Breaks what still runs. */
  close(): Promise<void>
}

export interface TransportOptions {
  access: Access
  /** Version of the operator, for User-Agent. */
  version: string
  /** For one attempt with its body. Default 30 s. */
  deadlineMs?: number
  /** A longer answer is TooLarge. Default 16 MiB. */
  maxResponseBytes?: number
  /** Called after each answer, with status 0 when none came. */
  onAnswer?: (method: ApiRequest['method'], status: number, seconds: number) => void
}

const maxAttempts = 4
/**
 * Any object fits in: etcd takes 1.5 MiB, which are 9 MiB as JSON where each character is escaped (a `<`, for one). More
 * would have to fit into the operator's memory, twice and as what it says.
 */
export const largestAnswerBytes = 16 * 2 ** 20

export function createTransport(options: TransportOptions): Transport {
  const { access, deadlineMs = 30_000, maxResponseBytes = largestAnswerBytes } = options

  async function attempt(request: ApiRequest): Promise<unknown> {
    // Not AbortSignal.timeout: that one goes off after each request, too, and there are thousands of them.
    const late = new AbortController()
    const timer = setTimeout(() => late.abort(new Error(`no answer within ${deadlineMs} ms`)), deadlineMs)
    const signal = request.signal ? AbortSignal.any([late.signal, request.signal]) : late.signal
    try {
      const answer = await open(options, request, {
        signal,
        headersTimeout: deadlineMs,
        bodyTimeout: deadlineMs,
      })
      return judged(answer, await boundedText(answer, maxResponseBytes, describe(request)), request)
    } catch (cause) {
      throw asClusterError(cause, describe(request))
    } finally {
      clearTimeout(timer)
    }
  }

  return {
    async send(request) {
      for (let tries = 1; ; tries += 1) {
        try {
          return await attempt(request)
        } catch (error) {
          const waitMs = repeatAfterMs(error, request, deadlineMs)
          if (waitMs === undefined || tries === maxAttempts) throw error
          await pause(waitMs, undefined, request.signal ? { signal: request.signal } : {}).catch(cause => {
            throw asClusterError(cause, describe(request))
          })
        }
      }
    },
    async stream(request) {
      const { idleMs } = request
      const idle = new AbortController()
      const watchdog = setTimeout(() => idle.abort(new Error(`nothing came for ${idleMs} ms`)), idleMs)
      const signal = AbortSignal.any([request.signal, idle.signal])
      try {
        const answer = await open(options, request, { signal, headersTimeout: deadlineMs, bodyTimeout: 0 })
        if (answer.statusCode !== 200) {
          judged(answer, await boundedText(answer, maxResponseBytes, describe(request)), request)
        }
        return watched(answer.body, watchdog, describe(request))
      } catch (cause) {
        clearTimeout(watchdog)
        throw asClusterError(cause, describe(request))
      }
    },
    close: () => access.close(),
  }
}

type Limits = { signal: AbortSignal; headersTimeout: number; bodyTimeout: number }

async function open(options: TransportOptions, request: ApiRequest, limits: Limits) {
  const { access, version, onAnswer } = options
  const { headers, dispatcher } = await access.prepare()
  headers['user-agent'] = `dataservice-operator/${version}`
  headers.accept = 'application/json'
  const body = request.body === undefined ? null : JSON.stringify(request.body)
  if (body !== null) headers['content-type'] = request.contentType ?? 'application/json'
  const started = performance.now()
  let status = 0
  try {
    const answer = await undiciRequest(urlOf(access.server, request), {
      ...limits,
      dispatcher,
      method: request.method,
      headers,
      body,
    })
    status = answer.statusCode
    return answer
  } finally {
    onAnswer?.(request.method, status, (performance.now() - started) / 1000)
  }
}

/** Paths are written as a URL has them (`paths.ts`). */
function urlOf(server: string, { path, query = {} }: ApiRequest): string {
  let text = ''
  for (const [name, value] of Object.entries(query))
    if (value !== undefined) text += `${text === '' ? '?' : '&'}${name}=${encodeURIComponent(value)}`
  return server.replace(/\/$/, '') + path + text
}

function judged(answer: Dispatcher.ResponseData, text: string, request: ApiRequest): unknown {
  const { statusCode: status, headers } = answer
  const body = parsed(text)
  if (status >= 200 && status < 300) {
    if (body === undefined) {
      throw new ClusterError('Protocol', `${describe(request)}: the answer is not JSON`, { status })
    }
    return body
  }
  const retryAfter = typeof headers['retry-after'] === 'string' ? headers['retry-after'] : undefined
  throw errorOfAnswer({ status, body: body ?? text, retryAfter }, describe(request))
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

/** Read at once where the server says how much it is; it cannot send more than that. */
async function boundedText(
  { body, headers }: Dispatcher.ResponseData,
  limit: number,
  request: string,
): Promise<string> {
  if (Number(headers['content-length']) <= limit) return body.text()
  const chunks: Uint8Array[] = []
  let size = 0
  for await (const chunk of body) {
    size += chunk.length
    if (size > limit)
      throw new ClusterError('TooLarge', `${request}: the answer is larger than ${limit} bytes`)
    chunks.push(chunk)
  }
  return Buffer.concat(chunks).toString('utf8')
}

/** Each chunk gives the connection another idle limit to live. */
async function* watched(
  body: AsyncIterable<Uint8Array>,
  watchdog: NodeJS.Timeout,
  request: string,
): AsyncIterable<Uint8Array> {
  try {
    for await (const chunk of body) {
      watchdog.refresh()
      yield chunk
    }
  } catch (cause) {
    throw asClusterError(cause, request)
  } finally {
    clearTimeout(watchdog)
  }
}

/** What the API server asks for when it is busy. Whoever may write now may not any more after a longer wait. */
const longestWaitOfWritesMs = 1_000

/** Milliseconds until a refused request may be sent again; undefined when it must not be. */
function repeatAfterMs(error: unknown, { method }: ApiRequest, deadlineMs: number): number | undefined {
  if (method === 'POST' || !isClusterError(error, 'TooManyRequests')) return undefined
  const { retryAfterMs } = error
  const longestMs = method === 'GET' ? deadlineMs : longestWaitOfWritesMs
  return retryAfterMs !== undefined && retryAfterMs <= longestMs ? retryAfterMs : undefined
}

const describe = ({ method, path }: ApiRequest): string => `${method} ${path}`

function asClusterError(cause: unknown, request: string): ClusterError {
  if (cause instanceof ClusterError) return cause
  const message = cause instanceof Error ? cause.message : String(cause)
  return new ClusterError('Unavailable', `${request}: ${message}`, { cause })
}
