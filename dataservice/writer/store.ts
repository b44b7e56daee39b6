/** What the writer needs of the database, over one connection pool. */
import { copyInput } from '#dataservice/platform/postgres/binary.ts'
import type { Database } from '#dataservice/platform/postgres/database.ts'
import { type PartitionAnswer, partitionAnswer } from '#dataservice/platform/postgres/partitions.ts'
import type { Row, Session } from '#dataservice/platform/postgres/session.ts'
import type { Standing } from './conflicts.ts'
import type { Path, Position } from './decisions.ts'
import type { NewRow } from './decode.ts'
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
  /** `inserted` is below the number of rows when some stood there already; then `standing` tells their bodies. */
  | { kind: 'stored'; inserted: number; standing: Standing }
  /** The position is not where we left it; nothing was written. */
  | { kind: 'fenced' }

/** Every rejection is a `DatabaseFailure`. */
export interface IngestStore {
  claim(place: Place, clusterId: string, claimedBy: string): Promise<Position>
  position(place: Place): Promise<Position | undefined>
  /** Rows and position in one transaction. */
  store(step: Advance, rows: readonly NewRow[], path: Path): Promise<StoreResult>
  ensurePartition(id: string): Promise<PartitionAnswer>
}

const fenced = Symbol('fenced')

const nothingStands: Standing = new Map()

export function ingestStore(database: Database, table: RecordsTable): IngestStore {
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
    async store(step, rows, path) {
      try {
        return await database.transaction(async session => {
          const { count } = await session.query(advanceStatement(step))
          if (count === 0) throw fenced
          return { kind: 'stored', ...(await insert(session, table, { rows, path })) }
        })
      } catch (error) {
        if (error === fenced) return { kind: 'fenced' }
        throw error
      }
    },
    async ensurePartition(id) {
      const { rows } = await database.query(ensurePartitionStatement(id))
      return partitionAnswer(rows[0]?.[0])
    },
  }
}

async function insert(
  session: Session,
  { by, columns }: RecordsTable,
  { rows, path }: { rows: readonly NewRow[]; path: Path },
): Promise<{ inserted: number; standing: Standing }> {
  if (rows.length === 0) return { inserted: 0, standing: nothingStands }
  if (path === 'fast') {
    const inserted = await session.copyIn(copyText(columns), copyInput(rows.map(({ fields }) => fields)))
    return { inserted, standing: nothingStands }
  }
  const { count: inserted } = await session.query(tolerantStatement(columns, rows))
  if (by === 'Time' || inserted === rows.length) return { inserted, standing: nothingStands }
  const found = await session.query(standingStatement(rows.map(({ id }) => id)))
  return { inserted, standing: new Map(found.rows.map(([id, hash]) => [id ?? '', hash ?? ''])) }
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
