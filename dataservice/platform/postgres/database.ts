/** Postgres for the roles of the data plane. `main.ts` opens it; the roles use what it answers. */
import type { SecureContext } from 'node:tls'
import { DatabaseFailure, isLost } from './failure.ts'
import { Pool } from './pool.ts'
import {
  PostgresSession,
  type QueryResult,
  type Session,
  type SessionOptions,
  type Statement,
} from './session.ts'

export interface DatabaseOptions
  extends Pick<SessionOptions, 'host' | 'port' | 'database' | 'schema' | 'user' | 'applicationName'> {
  /** Asked at each new connection, so that a changed password is picked up. */
  password: () => string
  /** Asked at each new connection, too; those that were made with others are replaced. Absent: plain. */
  tls?: () => SecureContext
  poolSize: number
  /** Default 5000; 0 is no limit. */
  statementTimeoutMs?: number
  /** Default 3000. */
  lockTimeoutMs?: number
  /** Default 3000. */
  connectTimeoutMs?: number
  /** How much longer than the server's limit on statements we wait for its answer. Default 2000. */
  networkGraceMs?: number
  /** How long a caller waits for a connection. Default 3000. */
  waitMs?: number
  /** Callers that may wait; one more is refused at once. Default 256. */
  maxWaiting?: number
}

/** Every rejection is a `DatabaseFailure`, unless the caller's own work threw something else. */
export interface Database {
  /** `withinMs`: the caller needs it no later; default: as long as statements and waiting may take. */
  query(statement: Statement | string, withinMs?: number): Promise<QueryResult>
  /** A connection of one's own, outside a transaction. It is not used again when `work` rejects with kind `lost`. */
  use<T>(work: (session: Session) => Promise<T>): Promise<T>
  /** BEGIN, work, COMMIT. Rolled back when `work` rejects; a rejection of kind `lost` leaves open whether it committed. */
  transaction<T>(work: (session: Session) => Promise<T>): Promise<T>
  readonly busy: number
  readonly waiting: number
  close(): Promise<void>
}

/** Opens nothing yet: connections are made when they are needed, so a start does not depend on the server. */
export function openDatabase(options: DatabaseOptions): Database {
  const { poolSize, waitMs = 3_000, maxWaiting = 256, tls, ...address } = options
  const pool = new Pool<PostgresSession>({
    size: poolSize,
    waitMs,
    maxWaiting,
    ...(tls && { isCurrent: session => session.tls === tls() }),
    open: () =>
      PostgresSession.open({
        ...address,
        ...(tls && { tls: tls() }),
        password: options.password(),
        statementTimeoutMs: options.statementTimeoutMs ?? 5_000,
        lockTimeoutMs: options.lockTimeoutMs ?? 3_000,
        networkGraceMs: options.networkGraceMs ?? 2_000,
        connectTimeoutMs: options.connectTimeoutMs ?? 3_000,
      }),
  })
  return {
    get busy() {
      return pool.busy
    },
    get waiting() {
      return pool.waiting
    },
    query: (statement, withinMs) => pool.use(session => session.query(statement, withinMs), withinMs),
    use: work => pool.use(session => cutWhenLost(session, work(session))),
    transaction: work => pool.use(session => cutWhenLost(session, inTransaction(session, work))),
    close: () => pool.close(),
  }
}

/** Whoever finds out that it is not the server that was meant, is not led there again. */
async function cutWhenLost<T>(session: PostgresSession, work: Promise<T>): Promise<T> {
  try {
    return await work
  } catch (error) {
    if (isLost(error)) session.destroy()
    throw error
  }
}

async function inTransaction<T>(
  session: PostgresSession,
  work: (session: Session) => Promise<T>,
): Promise<T> {
  await session.query('BEGIN')
  try {
    const result = await work(session)
    const { command } = await session.query('COMMIT')
    if (command !== 'COMMIT')
      throw new DatabaseFailure('the transaction had failed before COMMIT', 'retriable')
    return result
  } catch (error) {
    await rollBack(session)
    throw error
  }
}

/** A connection that cannot even roll back is cut: the server rolls back then. */
async function rollBack(session: PostgresSession): Promise<void> {
  if (!session.usable) return
  await session.query('ROLLBACK').catch(() => session.destroy())
}
