/** What the writer needs of the database, over one connection pool. */
import type { Offset } from '#dataservice/platform/kafka/port.ts'
import { copyInput } from '#dataservice/platform/postgres/binary.ts'
import type { Database } from '#dataservice/platform/postgres/database.ts'
import { DatabaseFailure } from '#dataservice/platform/postgres/failure.ts'
import { type PartitionAnswer, partitionAnswer } from '#dataservice/platform/postgres/partitions.ts'
import type { Row, Session } from '#dataservice/platform/postgres/session.ts'
import { withoutDoubles } from './buffer.ts'
import type { Path, Position } from './decisions.ts'
import { isReadable, type LogRow, type NewRow } from './decode.ts'
import type { StoringOrder } from './hash-batches.ts'
import { type HeldStore, heldStatement, heldStore, takeOutStatement } from './held-store.ts'
import { type Isolated, type Isolating, insertIsolating, nothingAside } from './isolate.ts'
import { deadLettersStatement, outcomesStatement } from './outcome-statements.ts'
import { doublesOf, type RowOutcome, type Standing } from './outcomes.ts'
import { afterRefusals, type ClaimOptions, claimKeys, keyedRows, releaseKeys } from './request-keys.ts'
import {
  type Advance,
  advanceStatement,
  claimStatement,
  copyText,
  ensurePartitionStatement,
  type Place,
  positionsStatement,
  standingStatement,
  tolerantStatement,
} from './statements.ts'
import type { RecordsTable } from './table.ts'

export type StoreResult =
  /** `inserted` is below the number of rows when some stood there already, or were refused. */
  | { kind: 'stored'; inserted: number; outcomes: readonly RowOutcome[] }
  /** The position is not where we left it; nothing was written. */
  | { kind: 'fenced' }
  /** It would be too much at once, and nothing was written: only records below this offset go together. */
  | { kind: 'fewer'; below: Offset }

export interface Batch {
  /** In log order; an id may come twice. */
  rows: readonly NewRow[]
  /** Records that are passed without a row in `records`. */
  passed: readonly RowOutcome[]
  /** Rows that are put aside, because their key is held. */
  held: readonly LogRow[]
  /** A refused row holds its key. */
  holdsKeys: boolean
  /** Where the rows were put aside before: their numbers in the table `held`, by offset. */
  released?: ReadonlyMap<Offset, string> | undefined
}

/** Whose log a partition is of, and who takes it. */
interface Claimant {
  clusterId: string
  claimedBy: string
}

/** Every rejection is a `DatabaseFailure`. */
export interface IngestStore extends HeldStore {
  /** Undefined, and nothing is claimed, when `unless` is aborted before there is a connection for it. */
  claim(place: Place, by: Claimant, unless: AbortSignal): Promise<Position | undefined>
  /** By partition; without those that have none. Rejects where it is no primary that answers, as all the others do. */
  positions(topic: string, partitions: readonly number[]): Promise<ReadonlyMap<number, Position>>
  /** Rows, position, and what is not stored as it was sent, in one transaction. */
  store(step: Advance, batch: Batch, path: Path): Promise<StoreResult>
  /** Makes the partition that takes this row. */
  ensurePartition(row: NewRow): Promise<PartitionAnswer>
}

const fenced = Symbol('fenced')

/** Thrown where rows would be too much for one transaction: only those below this offset go together, at least one. */
export class TooMuch extends Error {
  override readonly name = 'TooMuch'
  readonly below: Offset
  constructor(below: Offset) {
    super(`only records below offset ${below} go into one transaction`)
    this.below = below
  }
}

/** What became of the rows of a batch. */
export interface Applied extends Isolated {
  /** What is neither stored nor put aside. */
  others: readonly RowOutcome[]
}

export interface Portion extends Isolating {
  place: Place
}

/** Brings rows of a batch into the tables, inside its transaction; rejects with `TooMuch` when they are too many. */
export type Apply = (session: Session, portion: Portion, path: Path) => Promise<Applied>

/** Where records stay as they came. `order`: in which they are cheapest to store, where nothing stands in the way. */
export const appending =
  (table: RecordsTable, order: StoringOrder = rows => rows): Apply =>
  async (session, portion, path) => {
    const { rows } = portion
    const done = await insert[path](
      session,
      table,
      path === 'fast' ? { ...portion, rows: order(rows) } : portion,
    )
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
    ...heldStore(database),
    claim(place, { clusterId, claimedBy }, unless) {
      return database.use(async session => {
        // While it waited for its turn the partition may have gone to another writer, whom it would shut out.
        if (unless.aborted) return undefined
        const { rows } = await session.query(claimStatement(place, clusterId, claimedBy))
        const position = positionOf(rows[0])
        if (!position) throw new Error('a claim answers a row')
        return position
      })
    },
    async positions(topic, partitions) {
      const rows = await database.use(async session => {
        const found = await session.query(positionsStatement(topic, partitions))
        if (found.rows[0]?.[0] === 'on')
          throw new DatabaseFailure('a replica answered, which may lack what the primary has', 'lost')
        return found.rows
      })
      return new Map(
        rows.flatMap(([, partition, ...columns]) => {
          const position = positionOf(columns)
          return position ? [[Number(partition), position] as const] : []
        }),
      )
    },
    async store(step, batch, path) {
      try {
        return await database.transaction(async session => {
          const { count } = await session.query(advanceStatement(step))
          if (count === 0) throw fenced
          const bring = (portion: Portion) => apply(session, portion, path)
          return bringIn(session, batch, { place: step, table, keyLifeMs, bring })
        })
      } catch (error) {
        if (error === fenced) return { kind: 'fenced' }
        if (error instanceof TooMuch) return { kind: 'fewer', below: error.below }
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

interface Bringing extends ClaimOptions {
  bring(portion: Portion): Promise<Applied>
}

async function bringIn(session: Session, batch: Batch, { bring, ...claim }: Bringing): Promise<StoreResult> {
  const { place } = claim
  const { holdsKeys, released } = batch
  const keyed = keyedRows(inLogOrder(batch))
  const losers = keyed.length > 0 ? await claimKeys(session, keyed, claim) : []
  const done = await bring({ rows: without(batch.rows, losers), place, holdsKeys })
  const { inserted, refused, others } = done
  const held = [...without(batch.held, losers).map(asHeld), ...done.held]
  const outcomes = [...batch.passed, ...afterRefusals(losers, refused), ...refused, ...held, ...others]
  await keep(session, place, outcomes, holdsKeys)
  if (keyed.length > 0) await releaseKeys(session, keyed, refused)
  if (released) await session.query(takeOutStatement(decidedOf(released, held)))
  return { kind: 'stored', inserted, outcomes }
}

type Insert = (session: Session, table: RecordsTable, portion: Isolating) => Promise<Isolated>

const nothing: Isolated = { inserted: 0, ...nothingAside }

const insert: Readonly<Record<Path, Insert>> = {
  async fast(session, { columns }, { rows }) {
    const unique = withoutDoubles(rows)
    if (unique.length === 0) return nothing
    const input = copyInput(unique.map(({ fields }) => fields))
    return { ...nothing, inserted: await session.copyIn(copyText(columns), input) }
  },
  async tolerant(session, { columns }, { rows }) {
    const unique = withoutDoubles(rows)
    if (unique.length === 0) return nothing
    const { count } = await session.query(tolerantStatement(columns, unique))
    return { ...nothing, inserted: count }
  },
  isolating: (session, { columns }, portion) => insertIsolating(session, columns, portion),
}

/** A record that waits has its Idempotency-Key already. */
function inLogOrder({ rows, held }: Batch): readonly NewRow[] {
  if (held.length === 0) return rows
  return [...rows, ...held.filter(isReadable)].sort((one, other) => Number(one.offset - other.offset))
}

const asHeld = (row: LogRow): RowOutcome => ({ row, outcome: 'held' })

/** Numbers of the rows that need not wait again. */
function decidedOf(released: ReadonlyMap<Offset, string>, held: readonly RowOutcome[]): readonly string[] {
  const again = new Set(held.map(({ row }) => row.offset))
  return [...released].flatMap(([offset, number]) => (again.has(offset) ? [] : [number]))
}

/** Asks only where an id can come from two events, and only when a row is not new. */
async function doublesAmong(
  session: Session,
  { by }: RecordsTable,
  rows: readonly NewRow[],
  { inserted, refused, held }: Isolated,
): Promise<RowOutcome[]> {
  const aside = [...refused, ...held]
  if (by === 'Time' || inserted + aside.length === rows.length) return []
  const taken = without(rows, aside)
  const { rows: found } = await session.query(standingStatement(taken.map(({ id }) => id)))
  const standing: Standing = new Map(
    found.map(([id, bodyHash, eventId]) => [id ?? '', { bodyHash: bodyHash ?? '', eventId: eventId ?? '' }]),
  )
  return doublesOf(taken, standing)
}

function without<R extends LogRow>(rows: readonly R[], outcomes: readonly RowOutcome[]): readonly R[] {
  if (outcomes.length === 0) return rows
  const offsets = new Set(outcomes.map(({ row }) => row.offset))
  return rows.filter(({ offset }) => !offsets.has(offset))
}

async function keep(
  session: Session,
  place: Place,
  outcomes: readonly RowOutcome[],
  holdsKeys: boolean,
): Promise<void> {
  if (outcomes.length === 0) return
  await session.query(outcomesStatement(place, outcomes))
  const refused = outcomes
    .filter(({ outcome }) => outcome === 'refused')
    .sort((one, other) => Number(one.row.offset - other.row.offset))
  if (refused.length > 0) await session.query(deadLettersStatement(place, refused, holdsKeys))
  const held = outcomes.filter(({ outcome }) => outcome === 'held')
  if (held.length > 0)
    await session.query(
      heldStatement(
        place,
        held.map(({ row }) => row),
      ),
    )
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
