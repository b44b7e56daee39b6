/** What the writer needs of the database, over one connection pool. */
import type { Database } from '#dataservice/platform/postgres/database.ts'
import { type PartitionAnswer, partitionAnswer } from '#dataservice/platform/postgres/partitions.ts'
import type { Row, Session } from '#dataservice/platform/postgres/session.ts'
import type { Path, Position } from './decisions.ts'
import type { NewRow } from './decode.ts'
import {
  type Advance,
  advanceStatement,
  claimStatement,
  copyInput,
  copyText,
  ensurePartitionStatement,
  type Place,
  positionStatement,
  tolerantStatement,
} from './statements.ts'

export type StoreResult =
  /** `inserted` is below the number of rows when some stood there already. */
  | { kind: 'stored'; inserted: number }
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

export function ingestStore(database: Database): IngestStore {
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
          return { kind: 'stored', inserted: await insert(session, rows, path) }
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

async function insert(session: Session, rows: readonly NewRow[], path: Path): Promise<number> {
  if (rows.length === 0) return 0
  if (path === 'fast') return session.copyIn(copyText, copyInput(rows))
  return (await session.query(tolerantStatement(rows))).count
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
