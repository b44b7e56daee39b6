/** One connection to one broker: opened on first use, thrown away at the first sign of trouble, never mended. */
import { isIP } from 'node:net'
import type { SecureContext } from 'node:tls'
import {
  AuthenticationError,
  Connection,
  findErrorBy,
  ProtocolError,
  protocolErrorsCodesById,
} from '@platformatic/kafka'

export interface Address {
  host: string
  port: number
}

/** The call surely did not reach the broker. */
export class NotSent extends Error {}
/** The call may have reached the broker, but there is no answer. */
export class NoAnswer extends Error {}

type Done<Answer> = (error: Error | null, answer?: Answer) => void
/** A request of the protocol library with its arguments bound, for example `(c, done) => heartbeatV4.api(c, …, done)`. */
export type Call<Answer> = (connection: Connection, done: Done<Answer>) => void

export interface LinkOptions {
  clientId: string
  connectTimeoutMs: number
  /** What to show and to trust; another object when that has changed. Absent: plain. */
  tls?: () => SecureContext
  /** Who logs in. Absent: nobody. */
  login?: Login
}

/** By SCRAM: the password itself never travels. Name and password are asked for at each connection. */
export interface Login {
  mechanism: 'SCRAM-SHA-256' | 'SCRAM-SHA-512'
  username: () => string
  password: () => string
}

export class Link {
  readonly address: Address
  readonly #connection: Connection
  readonly #tls: LinkOptions['tls']
  readonly #context: SecureContext | undefined
  #underWay = 0
  readonly #opened: Promise<void>
  #isClosed = false

  constructor(address: Address, { clientId, connectTimeoutMs, tls, login }: LinkOptions) {
    this.address = address
    this.#tls = tls
    this.#context = tls?.()
    this.#connection = new Connection(clientId, {
      connectTimeout: connectTimeoutMs,
      maxInflights: 64,
      requestTimeout: 600_000,
      ...(this.#context && { tls: encryption(address, this.#context) }),
      ...(login && { sasl: login }),
    })
    this.#connection.on('error', () => this.close())
    this.#connection.on('close', () => this.close())
    this.#opened = Promise.resolve(this.#connection.connect(address.host, address.port))
    this.#opened.catch(() => this.close())
  }

  /**
   * False once anything went wrong, or other certificates are in use; the owner then makes a new link. One that is only
   * outdated answers what was asked of it before it closes.
   */
  get isUsable(): boolean {
    if (this.#isOutdated && this.#underWay === 0) this.close()
    return !this.#isClosed && !this.#isOutdated
  }

  get #isOutdated(): boolean {
    return this.#tls !== undefined && this.#tls() !== this.#context
  }

  /**
   * Sends a request and waits for its answer. Rejects with NotSent, NoAnswer, or the library's error that carries
   * the broker's error code (`kafkaError`). A late answer closes the link: those after it would be late too.
   */
  async request<Answer>(call: Call<Answer>, timeoutMs: number): Promise<Answer> {
    this.#underWay += 1
    try {
      return await this.#ask(call, timeoutMs)
    } finally {
      this.#underWay -= 1
      if (this.#underWay === 0 && this.#isOutdated) this.close()
    }
  }

  /** Ends the connection at once; requests under way reject with NoAnswer. */
  close(): void {
    if (this.#isClosed) return
    this.#isClosed = true
    // `close` of the library would wait for bytes that a frozen broker never takes.
    this.#connection.socket?.destroy()
  }

  async #ask<Answer>(call: Call<Answer>, timeoutMs: number): Promise<Answer> {
    await this.#open()
    const { promise, resolve, reject } = Promise.withResolvers<Answer>()
    const timer = setTimeout(() => {
      reject(new NoAnswer(`no answer from ${this.#name} within ${timeoutMs} ms`))
      this.close()
    }, timeoutMs)
    call(this.#connection, (error, answer) => {
      if (!error && answer !== undefined) resolve(answer)
      else if (error && kafkaError(error) !== undefined) reject(error)
      else reject(new NoAnswer(`lost ${this.#name}`, { cause: error }))
    })
    return promise.finally(() => clearTimeout(timer))
  }

  async #open(): Promise<void> {
    try {
      await this.#opened
    } catch (cause) {
      throw new NotSent(`cannot connect to ${this.#name}`, { cause })
    }
    if (this.#isClosed) throw new NotSent(`the connection to ${this.#name} is closed`)
  }

  get #name(): string {
    return `${this.address.host}:${this.address.port}`
  }
}

/** Brokers behind one address are told apart by the name that the client says first; an address is no name. */
const encryption = ({ host }: Address, secureContext: SecureContext) => ({
  secureContext,
  ...(isIP(host) === 0 && { servername: host }),
})

/** The broker's error inside an error of the protocol library, for example `NOT_COORDINATOR`, if it carries one. */
export function kafkaError(error: unknown): string | undefined {
  if (!(error instanceof Error)) return undefined
  const name: unknown = findErrorBy(error, 'code', ProtocolError.code)?.apiId
  return typeof name === 'string' ? name : undefined
}

/** Whether a broker did not let us in; of each error of a chain. */
export const isLoginRefused = (error: Error): boolean => error instanceof AuthenticationError

/** Name of an error code of the protocol; `NONE` for 0. */
export const errorName = (code: number): string =>
  code === 0 ? 'NONE' : (protocolErrorsCodesById[code] ?? `CODE_${code}`)
