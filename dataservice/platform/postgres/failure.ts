/** What a failed call to Postgres means for its caller. */

/**
 * - `duplicate`: a unique key stands already (23505).
 * - `missing-partition`: no partition takes the row (23514).
 * - `refused`: the database will never take these values (the other codes of classes 22 and 23, 54000 and 54001).
 * - `lost`: the connection broke, leads to a server that takes no writes (any more), or a deadline passed: what was sent
 *   may have happened or not, and another connection is needed.
 * - `retriable`: everything else; the same may work later.
 */
export type FailureKind = 'duplicate' | 'missing-partition' | 'refused' | 'lost' | 'retriable'

export interface FailureFacts {
  /** SQLSTATE, when the server answered. */
  sqlState?: string | undefined
  /** Where in the input it happened, for example `COPY records, line 5, column body`. */
  where?: string | undefined
}

/** The only error that leaves this folder; `cause` is what the driver threw. */
export class DatabaseFailure extends Error {
  override readonly name = 'DatabaseFailure'
  readonly kind: FailureKind
  readonly sqlState: string | undefined
  readonly where: string | undefined

  constructor(message: string, kind: FailureKind, options: FailureFacts & { cause?: unknown } = {}) {
    super(message, { cause: options.cause })
    this.kind = kind
    this.sqlState = options.sqlState
    this.where = options.where
  }
}

/** Postgres did not answer: what a circuit breaker counts. A question that it refused or found too slow is none. */
export const isLost = (error: unknown): boolean => error instanceof DatabaseFailure && error.kind === 'lost'

/** SQLSTATE of a statement that was cut off by its time limit. */
export const tooSlow = '57014'

const kindsByState: Readonly<Record<string, FailureKind>> = {
  '23505': 'duplicate',
  '23514': 'missing-partition',
}

/**
 * Two limits of the program are met by what one record holds: 54000 by an index row that fits no page, 54001 by JSON in too
 * many levels. The rest of class 54 counts columns and arguments: the statement is wrong then, whatever the values.
 */
const refusedStates = /^(2[23]|5400[01]$)/

/**
 * These are the end of the connection: shutdown, crash, idle in transaction. So is 25006, by which a replica refuses to
 * write: who meant to write meant the primary, whose name leads a new connection to the one of now.
 */
const lostStates: readonly RegExp[] = [/^08/, /^57P/, /^25P0[34]$/, /^25006$/]

/** Judges by SQLSTATE alone: messages are translated and change. */
export function kindOfState(sqlState: string): FailureKind {
  const known = kindsByState[sqlState]
  if (known) return known
  if (refusedStates.test(sqlState)) return 'refused'
  return lostStates.some(pattern => pattern.test(sqlState)) ? 'lost' : 'retriable'
}

/** Turns whatever the driver threw into a `DatabaseFailure`. What the server did not say is a broken connection. */
export function failureOf(error: unknown): DatabaseFailure {
  if (error instanceof DatabaseFailure) return error
  const message = error instanceof Error ? error.message : String(error)
  const sqlState = textOf(error, 'code')
  // Only the server tells a severity: `EPIPE` of the socket looks like an SQLSTATE, too.
  if (sqlState === undefined || textOf(error, 'severity') === undefined) {
    return new DatabaseFailure(message, 'lost', { cause: error })
  }
  return new DatabaseFailure(message, kindOfState(sqlState), {
    sqlState,
    where: textOf(error, 'where'),
    cause: error,
  })
}

function textOf(error: unknown, property: 'code' | 'severity' | 'where'): string | undefined {
  if (!(error instanceof Error)) return undefined
  const value: unknown = Reflect.get(error, property)
  return typeof value === 'string' ? value : undefined
}
