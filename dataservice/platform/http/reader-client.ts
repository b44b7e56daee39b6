/** Asks the reader over a bounded pool of kept connections. */
import type { IncomingHttpHeaders } from 'node:http'
import type { Readable } from 'node:stream'
import { errors, Pool } from 'undici'

export interface ReaderClientOptions {
  /** `http://host:port` */
  url: string
  /** Until the first byte of an answer. */
  deadlineMs?: number
  connections?: number
  /** Questions without an answer; one more is refused at once. */
  maxOpen?: number
}

const defaults = { deadlineMs: 5_000, connections: 64, maxOpen: 512 } as const
const connectTimeoutMs = 1_000
/** The longest silence inside a body. */
const bodyTimeoutMs = 30_000

interface Question {
  method: 'GET' | 'HEAD'
  path: string
  headers: Readonly<Record<string, string>>
}

type Answer =
  | { kind: 'answer'; status: number; headers: IncomingHttpHeaders; body: Readable }
  | { kind: 'unavailable' }
  | { kind: 'timeout' }

/** The client of a reader; connects when it is first asked. */
export class ReaderClient {
  readonly #pool: Pool
  readonly #deadlineMs: number
  readonly #maxOpen: number
  #open = 0

  constructor({ url, ...options }: ReaderClientOptions) {
    const { deadlineMs, connections, maxOpen } = { ...defaults, ...options }
    this.#deadlineMs = deadlineMs
    this.#maxOpen = maxOpen
    this.#pool = new Pool(url, {
      connections,
      pipelining: 1,
      connect: { timeout: connectTimeoutMs },
      headersTimeout: deadlineMs,
      bodyTimeout: bodyTimeoutMs,
    })
  }

  /** Never rejects. A connection that broke before the answer is tried once more: reading changes nothing. */
  async ask(question: Question): Promise<Answer> {
    if (this.#open >= this.#maxOpen) return { kind: 'unavailable' }
    this.#open += 1
    const deadline = AbortSignal.timeout(this.#deadlineMs)
    try {
      const first = await this.#request(question, deadline)
      return first.kind === 'unavailable' && !deadline.aborted
        ? await this.#request(question, deadline)
        : first
    } finally {
      this.#open -= 1
    }
  }

  close(): Promise<void> {
    return this.#pool.close()
  }

  async #request({ method, path, headers }: Question, deadline: AbortSignal): Promise<Answer> {
    // The deadline ends with the headers: a client may read a long body as slowly as it likes.
    const cut = new AbortController()
    const onDeadline = () => cut.abort()
    deadline.addEventListener('abort', onDeadline)
    try {
      const answer = await this.#pool.request({ method, path, headers: { ...headers }, signal: cut.signal })
      return { kind: 'answer', status: answer.statusCode, headers: answer.headers, body: answer.body }
    } catch (error) {
      const isLate = deadline.aborted || error instanceof errors.HeadersTimeoutError
      return { kind: isLate ? 'timeout' : 'unavailable' }
    } finally {
      deadline.removeEventListener('abort', onDeadline)
    }
  }
}
