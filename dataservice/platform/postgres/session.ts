/** One connection to Postgres with deadlines: whatever hangs is cut off, and a cut connection is never used again. */
import { Socket } from 'node:net'
import { checkServerIdentity, type PeerCertificate, type SecureContext } from 'node:tls'
import { Client } from 'pg'
import { CopyIn } from './copy-in.ts'
import { DatabaseFailure, failureOf } from './failure.ts'

/** A cell of a result: the text that Postgres prints for the value. */
export type Cell = string | null
export type Row = readonly Cell[]

export interface QueryResult {
  rows: readonly Row[]
  /** Rows changed or returned. */
  count: number
  /** What the server says it did: `COMMIT` of a failed transaction answers `ROLLBACK`. */
  command: string
}

/** A Buffer goes as it is, in the binary format of the parameter's type; everything else goes as text. */
export type Parameter = string | number | bigint | Buffer | null

/**
 * Text with its parameters. A named statement is parsed once for each connection, and after some uses planned once for
 * all values: a name is for statements whose best plan is the same for each of them. What asks a partitioned table for
 * some of its partitions has none, or each use would lock all of them.
 */
export interface Statement {
  name?: string
  text: string
  values?: readonly Parameter[]
}

/** What one connection can do; one call at a time. Every rejection is a `DatabaseFailure`. */
export interface Session {
  /** `withinMs`: the server gives up soon after this; default: at the session's own limit. */
  query(statement: Statement | string, withinMs?: number): Promise<QueryResult>
  /** Sends ready-made input of `COPY … FROM STDIN`; answers the number of rows. */
  copyIn(text: string, input: Buffer): Promise<number>
}

export interface SessionOptions {
  host: string
  port: number
  database: string
  /** First in the search path. */
  schema: string
  user: string
  password: string
  /** What to show and to trust; the certificate of the server must be that of `host`. Absent: plain. */
  tls?: SecureContext
  /** Shown in `pg_stat_activity`. */
  applicationName: string
  /** Milliseconds; 0 is no limit (jobs that build indexes). */
  statementTimeoutMs: number
  lockTimeoutMs: number
  connectTimeoutMs: number
  /** How much longer than the server's own limit we wait: then the network is dead, not the statement slow. */
  networkGraceMs: number
}

/** Names of one connection; each takes 25 KB of Postgres. What comes beyond is parsed and planned each time. */
const maxNames = 500
const keepAliveMs = 10_000
const idleInTransactionMs = 10_000
/** How long a good-bye may take. */
const endMs = 1_000

const asText = { getTypeParser: () => (value: string | Buffer) => value }

export class PostgresSession implements Session {
  readonly #client: Client
  readonly #socket: Socket
  readonly #statementTimeoutMs: number
  readonly #networkGraceMs: number
  /** What the server's limit is now. */
  #limitMs: number
  #broken = false
  readonly #names = new Set<string>()
  /** With which certificates the connection was made. */
  readonly tls: SecureContext | undefined

  private constructor(
    client: Client,
    socket: Socket,
    { statementTimeoutMs, networkGraceMs, tls }: SessionOptions,
  ) {
    this.tls = tls
    this.#client = client
    this.#socket = socket
    this.#statementTimeoutMs = statementTimeoutMs
    this.#networkGraceMs = networkGraceMs
    this.#limitMs = statementTimeoutMs
    client.on('error', () => this.destroy())
    client.on('end', () => this.destroy())
  }

  static async open(options: SessionOptions): Promise<PostgresSession> {
    const socket = new Socket()
    const client = new Client({
      ...clientOptions(options),
      stream: () => socket,
    })
    const session = new PostgresSession(client, socket, options)
    try {
      await session.#within(options.connectTimeoutMs, client.connect())
      return session
    } catch (error) {
      session.destroy()
      throw error
    }
  }

  /** False as soon as the connection must not be used again. */
  get usable(): boolean {
    return !this.#broken
  }

  async query(statement: Statement | string, withinMs?: number): Promise<QueryResult> {
    const limit = statementLimit(withinMs, this.#statementTimeoutMs)
    if (limit !== this.#limitMs) await this.#limitStatements(limit)
    const { name, text, values = [] } = typeof statement === 'string' ? { text: statement } : statement
    const query = {
      text,
      values: values.map(wireValue),
      rowMode: 'array' as const,
      ...(name && this.#keeps(name) ? { name } : {}),
    }
    const result = await this.#within(this.#patienceMs, this.#client.query<Cell[]>(query))
    return { rows: result.rows ?? [], count: result.rowCount ?? 0, command: result.command }
  }

  copyIn(text: string, input: Buffer): Promise<number> {
    return this.#within(this.#patienceMs, this.#client.query(new CopyIn(text, input)).done)
  }

  /** Says good-bye to the server; cuts the connection when that takes too long. */
  async end(): Promise<void> {
    if (this.#broken) return
    await this.#within(endMs, this.#client.end()).catch(() => undefined)
    this.destroy()
  }

  /** Cuts the connection at once; what is in flight rejects as `lost`. */
  destroy(): void {
    this.#broken = true
    this.#socket.destroy()
  }

  /** How long we wait for an answer; 0 is no limit. */
  get #patienceMs(): number {
    return this.#limitMs === 0 ? 0 : this.#limitMs + this.#networkGraceMs
  }

  #keeps(name: string): boolean {
    if (this.#names.size < maxNames) this.#names.add(name)
    return this.#names.has(name)
  }

  async #limitStatements(limit: number): Promise<void> {
    await this.#within(this.#patienceMs, this.#client.query(`SET statement_timeout = ${limit}`))
    this.#limitMs = limit
  }

  async #within<T>(milliseconds: number, work: Promise<T>): Promise<T> {
    const late = Promise.withResolvers<never>()
    const timer =
      milliseconds > 0
        ? setTimeout(() => {
            late.reject(new DatabaseFailure(`no answer from Postgres within ${milliseconds} ms`, 'lost'))
            this.destroy()
          }, milliseconds)
        : undefined
    try {
      return await Promise.race([work, late.promise])
    } catch (error) {
      const failure = failureOf(error)
      if (failure.kind === 'lost') this.destroy()
      throw failure
    } finally {
      clearTimeout(timer)
    }
  }
}

/** Steps of the limit on statements: few, so that questions with about the same time left share one. */
const limitSteps = [100, 250, 500, 1_000, 2_500] as const

/** The server's limit for a statement that is needed within some time; `own` is the session's, 0 for none. */
function statementLimit(withinMs: number | undefined, own: number): number {
  const step = withinMs === undefined ? undefined : limitSteps.find(each => each >= withinMs)
  return step === undefined || (own !== 0 && own < step) ? own : step
}

function clientOptions(options: SessionOptions) {
  const { host, port, database, user, password, applicationName } = options
  return {
    host,
    port,
    database,
    user,
    password,
    application_name: applicationName,
    ...(options.tls && { ssl: encryption(host, options.tls) }),
    keepAlive: true,
    keepAliveInitialDelayMillis: keepAliveMs,
    statement_timeout: options.statementTimeoutMs,
    lock_timeout: options.lockTimeoutMs,
    idle_in_transaction_session_timeout: idleInTransactionMs,
    // Whatever the server is set to: on this rests what has a name and what has none.
    options: `-c search_path=${options.schema} -c plan_cache_mode=auto -c timezone=UTC`,
    types: asText,
  }
}

/** The driver names no IP address to TLS, which then would compare the certificate with `localhost`. */
const encryption = (host: string, secureContext: SecureContext) => ({
  secureContext,
  rejectUnauthorized: true,
  checkServerIdentity: (_name: string, certificate: PeerCertificate) =>
    checkServerIdentity(host, certificate),
})

function wireValue(value: Parameter): string | Buffer | null {
  return typeof value === 'number' || typeof value === 'bigint' ? String(value) : value
}
