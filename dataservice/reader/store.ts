/** The reader's questions to Postgres: in time, and not before a write that the client has seen is stored. */
import { setTimeout as pause } from 'node:timers/promises'
import type { Reads } from '#dataservice/platform/postgres/reads.ts'
import type { Row, Statement } from '#dataservice/platform/postgres/session.ts'
import type { LogPosition } from '#dataservice/record/consistency-token.ts'
import { againMs, isAway, Patience } from './patience.ts'
import { StoredPositions } from './stored-positions.ts'

/** What every question brings along. */
export interface Ask {
  /** When the answer is of no use any more; milliseconds of `performance.now()`. */
  deadline: number
  /** The answer must show this write. */
  token?: LogPosition
  /** A replica is behind, or may be: the primary is asked. */
  newest?: boolean
}

export interface Store {
  /** Whether `newest` asks somebody else. */
  readonly hasReplica: boolean
  /** Rejects with a `DatabaseFailure`, or with one of the errors below. */
  rows(statement: Statement, ask: Ask): Promise<readonly Row[]>
}

/** The deadline of the question has passed. */
export class TooLate extends Error {}

/** The write of the token was not stored before the deadline. */
export class NotStoredYet extends Error {}

/** The token is of a log whose records do not come here any more. */
export class ForeignToken extends Error {}

export interface StoreOptions {
  /** Replica first, primary while it is away. */
  reads: Reads
  /** The primary itself; absent where `reads` is the primary. */
  primary?: Reads
  topic: string
}

/** How long a replica may be behind before the primary is asked. */
const replicaMs = 100

/** Where a write is looked for, and for how long. */
interface Way {
  reads: Reads
  positions: StoredPositions
  patienceMs: number
}

export function openStore({ reads, primary, topic }: StoreOptions): Store {
  const way = (at: Reads, patienceMs: number): Way => ({
    reads: at,
    positions: new StoredPositions(at, topic),
    patienceMs,
  })
  const first = way(reads, primary ? replicaMs : Infinity)
  const second = primary && way(primary, Infinity)
  const plain = plainly(reads, primary)
  return {
    hasReplica: primary !== undefined,
    async rows(statement, { deadline, token, newest }) {
      if (token === undefined)
        return newest ? ask(primary ?? reads, statement, deadline) : plain(statement, deadline)
      const gated = gatedStatement(statement, topic, token)
      const look = (at: Way) => lookUntilStored(at, gated, { token, deadline })
      const rows = second === undefined ? await look(first) : await inTurns(look, [first, second], deadline)
      if (rows === undefined) throw new NotStoredYet()
      return rows
    },
  }
}

/**
 * A replica may go just after its primary came back, while not every node has the primary's address again. Who asks for the
 * newest does not wait: the replica has answered already.
 */
function plainly(reads: Reads, primary: Reads | undefined) {
  const once = (statement: Statement, deadline: number) => ask(reads, statement, deadline)
  if (primary === undefined) return once
  const patience = new Patience()
  return (statement: Statement, deadline: number) =>
    patience.through(() => once(statement, deadline), deadline)
}

/**
 * A primary that is away for a moment stores nothing: there is nothing to miss until it is back. Its replica may go just
 * then, as in a drain of one node after the other.
 */
async function inTurns<Rows>(
  look: (at: Way) => Promise<Rows | undefined>,
  ways: readonly Way[],
  deadline: number,
): Promise<Rows | undefined> {
  for (;;) {
    for (const way of ways) {
      const rows = await look(way).catch(unlessAway)
      if (rows !== undefined) return rows
      if (performance.now() >= deadline) return undefined // the next one would only say that it is too late
    }
    if (deadline - performance.now() <= replicaMs) return undefined // less is no time for a look
    await pause(againMs)
  }
}

/** Undefined when the write was not there in the time that this way has. */
async function lookUntilStored(
  { reads, positions, patienceMs }: Way,
  gated: Statement,
  { token, deadline }: { token: LogPosition; deadline: number },
): Promise<readonly Row[] | undefined> {
  const until = Math.min(deadline, performance.now() + patienceMs)
  do {
    const rows = throughGate(await ask(reads, gated, deadline))
    if (rows !== undefined) return rows
  } while (await positions.wait(token, until))
  return undefined
}

function unlessAway(error: unknown): undefined {
  if (!isAway(error)) throw error
}

async function ask(from: Reads, statement: Statement, deadline: number): Promise<readonly Row[]> {
  const { rows } = await from.query(statement, remaining(deadline))
  return rows
}

function remaining(deadline: number): number {
  const milliseconds = deadline - performance.now()
  if (milliseconds <= 0) throw new TooLate()
  return milliseconds
}

/**
 * The rows of a statement, each behind the state of the gate, in the one statement that also looks at the offsets:
 * whatever they say holds for the rows. Without rows to show there is one of NULLs.
 */
function gatedStatement(
  { text, values = [] }: Statement,
  topic: string,
  { log, offsets }: LogPosition,
): Statement {
  const at = values.length
  return {
    text: `SELECT gate.state, answer.* FROM (
SELECT CASE WHEN bool_or(o.cluster_id <> $${at + 4}) THEN 'foreign'
WHEN count(*) FILTER (WHERE o.next_offset > wanted.last) = $${at + 5} THEN 'open' ELSE 'closed' END AS state
FROM unnest($${at + 1}::int[], $${at + 2}::bigint[]) AS wanted (partition, last)
JOIN ingest_offsets o ON o.topic = $${at + 3} AND o.partition = wanted.partition
) AS gate LEFT JOIN LATERAL (${text}) AS answer ON gate.state = 'open'`,
    values: [
      ...values,
      `{${[...offsets.keys()].join(',')}}`,
      `{${[...offsets.values()].join(',')}}`,
      topic,
      log,
      offsets.size,
    ],
  }
}

/** Undefined while the gate is closed. */
function throughGate(rows: readonly Row[]): readonly Row[] | undefined {
  const state = rows[0]?.[0]
  if (state === 'foreign') throw new ForeignToken()
  if (state !== 'open') return undefined
  return rows.map(row => row.slice(1)).filter(([first]) => first !== null)
}
