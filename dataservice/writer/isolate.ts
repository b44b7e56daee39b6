/** Finds the rows that the database refuses, and stores the others, inside the transaction of their batch. */
import { DatabaseFailure } from '#dataservice/platform/postgres/failure.ts'
import type { Session } from '#dataservice/platform/postgres/session.ts'
import { withoutDoubles } from './buffer.ts'
import type { NewRow } from './decode.ts'
import type { RowOutcome } from './outcomes.ts'
import { tolerantStatement } from './statements.ts'
import type { Column } from './table.ts'

export type RefusedRow = RowOutcome & { row: NewRow }

/** Rows to be stored. */
export interface Isolating {
  /** In log order; an id may come twice. */
  rows: readonly NewRow[]
  /** A refused row holds its key: the rows of that key behind it are put aside. */
  holdsKeys: boolean
}

/** What is put aside. */
export interface Aside {
  refused: readonly RowOutcome[]
  /** Their key is held by a refused row before them. */
  held: readonly RowOutcome[]
}

export const nothingAside: Aside = { refused: [], held: [] }

export interface Isolated extends Aside {
  inserted: number
}

/**
 * In log order, in parts that halve with each refusal and double with each success: one bad row among thousands costs
 * some twenty statements, thousands of bad rows one each. Rows of one id are told apart only after it is known that the
 * first of them can be stored.
 */
export async function isolating<T>(
  session: Session,
  { rows: all, holdsKeys }: Isolating,
  store: (part: readonly NewRow[]) => Promise<T>,
): Promise<{ done: T[]; refused: RefusedRow[]; held: RowOutcome[] }> {
  let rows = all
  const refused: RefusedRow[] = []
  const held: RowOutcome[] = []
  const done: T[] = []
  await session.query('SAVEPOINT part')
  let size = rows.length
  for (let start = 0; start < rows.length; ) {
    const part = rows.slice(start, start + size)
    const answer = await attempt(session, () => store(part))
    const [only] = part
    if ('done' in answer) {
      done.push(answer.done)
      start += part.length
      size *= 2
    } else if (part.length > 1) {
      size = Math.ceil(part.length / 2)
    } else if (only) {
      const { message: reason, sqlState } = answer.failure
      refused.push({ row: only, outcome: 'refused', reason, ...(sqlState !== undefined && { sqlState }) })
      start += 1
      if (!holdsKeys) continue
      const later = splitByKey(rows.slice(start), only.record.key)
      held.push(...later.same.map((row): RowOutcome => ({ row, outcome: 'held' })))
      if (later.same.length > 0) rows = [...rows.slice(0, start), ...later.other]
    }
  }
  return { done, refused, held }
}

function splitByKey(rows: readonly NewRow[], key: Buffer | undefined) {
  const isSame = ({ record }: NewRow) => key !== undefined && record.key?.equals(key) === true
  return { same: rows.filter(isSame), other: rows.filter(row => !isSame(row)) }
}

/** Inserts rows so. */
export async function insertIsolating(
  session: Session,
  columns: readonly Column[],
  portion: Isolating,
): Promise<Isolated> {
  const { done, ...aside } = await isolating(session, portion, async part => {
    const { count } = await session.query(tolerantStatement(columns, withoutDoubles(part)))
    return count
  })
  return { inserted: done.reduce((sum, count) => sum + count, 0), ...aside }
}

/** From savepoint to savepoint: what was done, or why a row is refused. */
async function attempt<T>(
  session: Session,
  store: () => Promise<T>,
): Promise<{ done: T } | { failure: DatabaseFailure }> {
  try {
    const done = await store()
    await session.query('RELEASE SAVEPOINT part')
    await session.query('SAVEPOINT part')
    return { done }
  } catch (error) {
    if (!(error instanceof DatabaseFailure) || error.kind !== 'refused') throw error
    await session.query('ROLLBACK TO SAVEPOINT part')
    return { failure: error }
  }
}
