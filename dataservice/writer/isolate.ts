/** Finds the rows that the database refuses, and stores the others, inside the transaction of their batch. */
import { DatabaseFailure } from '#dataservice/platform/postgres/failure.ts'
import type { Session } from '#dataservice/platform/postgres/session.ts'
import { withoutDoubles } from './buffer.ts'
import type { NewRow } from './decode.ts'
import type { RowOutcome } from './outcomes.ts'
import { tolerantStatement } from './statements.ts'
import type { Column } from './table.ts'

export interface Isolated {
  inserted: number
  refused: RowOutcome[]
}

/**
 * In log order, in parts that halve with each refusal and double with each success: one bad row among thousands costs
 * some twenty statements, thousands of bad rows one each. Rows of one id are told apart only after it is known that the
 * first of them can be stored.
 */
export async function insertIsolating(
  session: Session,
  columns: readonly Column[],
  rows: readonly NewRow[],
): Promise<Isolated> {
  const refused: RowOutcome[] = []
  let inserted = 0
  await session.query('SAVEPOINT part')
  let size = rows.length
  for (let start = 0; start < rows.length; ) {
    const part = rows.slice(start, start + size)
    const answer = await attempt(session, columns, part)
    const [only] = part
    if (typeof answer === 'number') {
      inserted += answer
      start += part.length
      size *= 2
    } else if (part.length > 1) {
      size = Math.ceil(part.length / 2)
    } else if (only) {
      const { message: reason, sqlState } = answer
      refused.push({ row: only, outcome: 'refused', reason, ...(sqlState !== undefined && { sqlState }) })
      start += 1
    }
  }
  return { inserted, refused }
}

/** From savepoint to savepoint. The number of new rows, or why one of them is refused. */
async function attempt(
  session: Session,
  columns: readonly Column[],
  rows: readonly NewRow[],
): Promise<number | DatabaseFailure> {
  try {
    const { count } = await session.query(tolerantStatement(columns, withoutDoubles(rows)))
    await session.query('RELEASE SAVEPOINT part')
    await session.query('SAVEPOINT part')
    return count
  } catch (error) {
    if (!(error instanceof DatabaseFailure) || error.kind !== 'refused') throw error
    await session.query('ROLLBACK TO SAVEPOINT part')
    return error
  }
}
