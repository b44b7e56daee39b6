/** What the writer needs of the database, over one connection pool. */
import { copyInput } from '#dataservice/platform/postgres/binary.ts'
import type { Database } from '#dataservice/platform/postgres/database.ts'
import { type PartitionAnswer, partitionAnswer } from '#dataservice/platform/postgres/partitions.ts'
import type { Row, Session } from '#dataservice/platform/postgres/session.ts'
import { withoutDoubles } from './buffer.ts'
import type { Path, Position } from './decisions.ts'
import type { NewRow } from './decode.ts'
import type { StoringOrder } from './hash-batches.ts'
import { type Isolated, insertIsolating } from './isolate.ts'
import { deadLettersStatement, outcomesStatement } from './outcome-statements.ts'
import { doublesOf, type RowOutcome, type Standing } from './outcomes.ts'
import { afterRefusals, claimKeys, keyedRows, releaseKeys } from './request-keys.ts'
import {
  type Advance,
  advanceStatement,
  claimStatement,
  copyText,
  ensurePartitionStatement,
  type Place,
  positionStatement,
  standingStatement,
  tolerantStatement,
} from './statements.ts'
import type { RecordsTable } from './table.ts'

export type StoreResult =
  /** `inserted` is below the number of rows when some stood there already, or were refused. */
  | { kind: 'stored'; inserted: number; outcomes: readonly RowOutcome[] }
  /** The position is not where we left it; nothing was written. */
  | { kind: 'fenced' }

export interface Batch {
  /** In log order; an id may come twice. */
  rows: readonly NewRow[]
  /** Records that are passed without a row in `records`. */
  passed: readonly RowOutcome[]
}

/** Every rejection is a `DatabaseFailure`. */
export interface IngestStore {
  claim(place: Place, clusterId: string, claimedBy: string): Promise<Position>
  position(place: Place): Promise<Position | undefined>
  /** Rows, position, and what is not stored as it was sent, in one transaction. */
  store(step: Advance, batch: Batch, path: Path): Promise<StoreResult>
  /** Makes the partition that takes this row. */
  ensurePartition(row: NewRow): Promise<PartitionAnswer>
}

const fenced = Symbol('fenced')

/** What became of the rows of a batch. */
export interface Applied extends Isolated {
  /** What is neither stored nor refused. */
  others: readonly RowOutcome[]
}

export interface Portion {
  rows: readonly NewRow[]
  place: Place
}

/** Brings rows of a batch into the tables, inside its transaction. */
export type Apply = (session: Session, portion: Portion, path: Path) => Promise<Applied>

/** Where records stay as they came. `order`: in which they are cheapest to store, where nothing stands in the way. */
export const appending =
  (table: RecordsTable, order: StoringOrder = rows => rows): Apply =>
  async (session, { rows }, path) => {
    const done = await insert[path](session, table, path === 'fast' ? order(rows) : rows)
    return { ...done, others: await doublesAmong(session, table, rows, done) }
  }

/** `keyLifeMs`: how long an Idempotency-Key stands for its record. */
export function ingestStore(
  database: Database,
  table: RecordsTable,
  keyLifeMs: number,
  apply: Apply = appending(table),
): IngestStore {
  return {
    async claim(place, clusterId, claimedBy) {
      const { rows } = await database.query(claimStatement(place, clusterId, claimedBy))
      const position = positionOf(rows[0])
      if (!position) throw new Error('a claim answers a row')
      return position
    },
    async position(place) {
      const { rows } = await database.query(positionStatement(place))
      return positionOf(rows[0])
    },
    async store(step, batch, path) {
      try {
        return await database.transaction(async session => {
          const { count } = await session.query(advanceStatement(step))
          if (count === 0) throw fenced
          const keyed = keyedRows(batch.rows)
          const losers =
            keyed.length > 0 ? await claimKeys(session, keyed, { place: step, table, keyLifeMs }) : []
          const rows = without(batch.rows, losers)
          const { inserted, refused, others } = await apply(session, { rows, place: step }, path)
          const outcomes = [...batch.passed, ...afterRefusals(losers, refused), ...refused, ...others]
          await keep(session, step, outcomes)
          if (keyed.length > 0) await releaseKeys(session, keyed, refused)
          return { kind: 'stored', inserted, outcomes }
        })
      } catch (error) {
        if (error === fenced) return { kind: 'fenced' }
        throw error
      }
    },
    async ensurePartition({ id, eventId }) {
      const partitioned = table.by === 'Upsert' ? eventId : id
      const { rows } = await database.query(ensurePartitionStatement(partitioned))
      return partitionAnswer(rows[0]?.[0])
    },
  }
}

type Insert = (session: Session, table: RecordsTable, rows: readonly NewRow[]) => Promise<Isolated>

const insert: Readonly<Record<Path, Insert>> = {
  async fast(session, { columns }, rows) {
    const unique = withoutDoubles(rows)
    if (unique.length === 0) return { inserted: 0, refused: [] }
    return {
      inserted: await session.copyIn(copyText(columns), copyInput(unique.map(({ fields }) => fields))),
      refused: [],
    }
  },
  async tolerant(session, { columns }, rows) {
    const unique = withoutDoubles(rows)
    if (unique.length === 0) return { inserted: 0, refused: [] }
    const { count } = await session.query(tolerantStatement(columns, unique))
    return { inserted: count, refused: [] }
  },
  isolating: (session, { columns }, rows) => insertIsolating(session, columns, rows),
}

/** Asks only where an id can come from two events, and only when a row is not new. */
async function doublesAmong(
  session: Session,
  { by }: RecordsTable,
  rows: readonly NewRow[],
  { inserted, refused }: Isolated,
): Promise<RowOutcome[]> {
  if (by === 'Time' || inserted + refused.length === rows.length) return []
  const taken = without(rows, refused)
  const { rows: found } = await session.query(standingStatement(taken.map(({ id }) => id)))
  const standing: Standing = new Map(
    found.map(([id, bodyHash, eventId]) => [id ?? '', { bodyHash: bodyHash ?? '', eventId: eventId ?? '' }]),
  )
  return doublesOf(taken, standing)
}

function without(rows: readonly NewRow[], outcomes: readonly RowOutcome[]): readonly NewRow[] {
  if (outcomes.length === 0) return rows
  const offsets = new Set(outcomes.map(({ row }) => row.offset))
  return rows.filter(({ offset }) => !offsets.has(offset))
}

async function keep(session: Session, place: Place, outcomes: readonly RowOutcome[]): Promise<void> {
  if (outcomes.length === 0) return
  await session.query(outcomesStatement(place, outcomes))
  const refused = outcomes
    .filter(({ outcome }) => outcome === 'refused')
    .sort((one, other) => Number(one.row.offset - other.row.offset))
  if (refused.length > 0) await session.query(deadLettersStatement(place, refused))
}

function positionOf(row: Row | undefined): Position | undefined {
  if (!row) return undefined
  const [clusterId, nextOffset, lastId, epoch, claimedBy] = row
  return {
    clusterId: clusterId ?? '',
    nextOffset: BigInt(nextOffset ?? 0),
    lastId: lastId ?? undefined,
    epoch: BigInt(epoch ?? 0),
    claimedBy: claimedBy ?? '',
  }
}
