/** Asks the reader over a bounded pool of kept connections. */
import type { SecureContext } from 'node:tls'
import { Pool } from 'undici'
import { type Circuit, CircuitOpen, type CircuitStateName } from '../circuit.ts'
import { type Answer, exchange } from './exchange.ts'
import { bearer } from './inner-key.ts'
import { internalHeaders } from './internal-headers.ts'
import { listFormat } from './list-format.ts'
import { ownCallersKeepMs } from './server.ts'

export interface ReaderClientOptions {
  /** `http://host:port`, or `https` with `tls`. */
  url: string
  /** The key of `inner-key.ts`. */
  key: string
  /** Until the first byte of an answer. */
  deadlineMs?: number
  connections?: number
  /** Questions without an answer; one more is refused at once. */
  maxOpen?: number
  /** Exports under way; one more is refused at once. */
  maxExports?: number
  /** Leaves a reader alone that does not answer; `isReaderFailure` tells what it should count. */
  circuit?: Circuit
  /** What to show and to trust. */
  tls?: () => SecureContext
}

const defaults = { deadlineMs: 5_000, connections: 64, maxOpen: 512, maxExports: 16 } as const
const connectTimeoutMs = 1_000
/** The longest silence inside a body. */
const bodyTimeoutMs = 30_000
/** The reader gives up a little before we do, so that its answer still arrives. */
const aheadMs = 50

/** A reader of another key: between us and it, not for the client. */
const unauthorized = 401

interface Question {
  method: 'GET' | 'HEAD'
  path: string
  headers: Readonly<Record<string, string>>
}

type Told = Answer | { kind: 'unavailable'; circuit: CircuitStateName }

class NoAnswer extends Error {
  readonly answer: Answer

  constructor(answer: Answer) {
    super(answer.kind)
    this.answer = answer
  }
}

export const isReaderFailure = (error: unknown): boolean => error instanceof NoAnswer

/** The client of a reader; connects when it is first asked. */
export class ReaderClient {
  readonly #options: Required<Omit<ReaderClientOptions, 'circuit' | 'tls'>> &
    Pick<ReaderClientOptions, 'circuit' | 'tls'>
  readonly #authorization: string
  #questions: Pool
  /** Of their own: a client may take hours to read one. */
  #exports: Pool
  #open = 0
  #openExports = 0

  constructor(options: ReaderClientOptions) {
    this.#options = { ...defaults, ...options }
    const { key, connections, maxExports } = this.#options
    this.#authorization = bearer(key)
    this.#questions = this.#pool(connections)
    this.#exports = this.#pool(maxExports)
  }

  /** From now on questions go over connections that are made anew; those under way end on the ones that they are on. */
  renew(): void {
    const { connections, maxExports } = this.#options
    const before = [this.#questions, this.#exports]
    this.#questions = this.#pool(connections)
    this.#exports = this.#pool(maxExports)
    for (const pool of before) pool.close().catch(() => {}) // a connection that broke meanwhile is closed, too
  }

  #pool(connections: number): Pool {
    const { url, tls } = this.#options
    return new Pool(url, {
      connections,
      pipelining: 1,
      keepAliveTimeout: ownCallersKeepMs,
      connect: { timeout: connectTimeoutMs, ...(tls && { secureContext: tls() }) },
      headersTimeout: 0, // each question has a deadline of its own
      bodyTimeout: bodyTimeoutMs,
    })
  }

  /** Never rejects. A connection that broke before the answer is tried once more: reading changes nothing. */
  async ask(question: Question): Promise<Told> {
    if (listFormat(question.headers['accept']) !== 'page') return this.#export(question)
    if (this.#open >= this.#options.maxOpen) return { kind: 'unavailable' }
    this.#open += 1
    try {
      return await this.#guarded(this.#questions, question)
    } finally {
      this.#open -= 1
    }
  }

  async close(): Promise<void> {
    await Promise.all([this.#questions.close(), this.#exports.close()])
  }

  async #export(question: Question): Promise<Told> {
    if (this.#openExports >= this.#options.maxExports) return { kind: 'unavailable' }
    this.#openExports += 1
    const told = await this.#guarded(this.#exports, question)
    const end = () => {
      this.#openExports -= 1
    }
    if (told.kind === 'answer' && !Buffer.isBuffer(told.body)) told.body.once('close', end)
    else end()
    return told
  }

  async #guarded(pool: Pool, question: Question): Promise<Told> {
    const { circuit } = this.#options
    const work = () => this.#attempts(pool, question)
    try {
      return await (circuit === undefined ? work() : circuit.run(work))
    } catch (error) {
      if (error instanceof NoAnswer) return error.answer
      if (error instanceof CircuitOpen) return { kind: 'unavailable', circuit: error.state }
      throw error
    }
  }

  /** Rejects with `NoAnswer`. */
  async #attempts(pool: Pool, question: Question): Promise<Answer> {
    const { deadlineMs } = this.#options
    const deadline = performance.now() + deadlineMs
    let answer = ofOurReader(await this.#attempt(pool, question, deadlineMs))
    const left = deadline - performance.now()
    if (answer.kind === 'unavailable' && left > 0)
      answer = ofOurReader(await this.#attempt(pool, question, left))
    if (answer.kind === 'answer') return answer
    throw new NoAnswer(answer)
  }

  #attempt(pool: Pool, { method, path, headers }: Question, withinMs: number): Promise<Answer> {
    const own = {
      authorization: this.#authorization,
      [internalHeaders.deadline]: String(Math.max(1, Math.floor(withinMs) - aheadMs)),
    }
    return exchange(pool, { method, path, headers: { ...headers, ...own } }, withinMs)
  }
}

/** A reader of another key is none of ours. */
function ofOurReader(answer: Answer): Answer {
  if (answer.kind !== 'answer' || answer.status !== unauthorized) return answer
  if (!Buffer.isBuffer(answer.body)) answer.body.destroy()
  return { kind: 'unavailable' }
}
