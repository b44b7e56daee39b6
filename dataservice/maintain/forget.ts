/**
 * What is kept for a time only: outcomes for a day, dead letters as long as the records beside them, Idempotency-Keys
 * until they expire.
 */
import type { Database } from '#dataservice/platform/postgres/database.ts'

/** Rows of one statement, so that none holds its locks for long. */
const portion = 20_000

export interface Forgotten {
  outcomes: number
  deadLetters: number
  requestKeys: number
}

/**
 * For the owner of the tables. `retainMs`: how long records are kept; without it dead letters are kept for ever. One that
 * is not in its topic yet is never forgotten. Answers how many rows went.
 */
export async function forgetOld(
  database: Pick<Database, 'query'>,
  retainMs: number | undefined,
): Promise<Forgotten> {
  const outcomes = oldest('ctid', 'outcomes', 'decided_at', `interval '24 hours'`)
  const letters = oldest('id', 'dead_letters', 'relayed_at', `${retainMs} * interval '1 millisecond'`)
  const keys = oldest('key_hash', 'request_keys', 'expires_at', `interval '0'`)
  return {
    outcomes: await inPortions(database, `DELETE FROM outcomes WHERE ctid = ANY(ARRAY(${outcomes}))`),
    deadLetters:
      retainMs === undefined
        ? 0
        : await inPortions(database, `DELETE FROM dead_letters WHERE id = ANY(ARRAY(${letters}))`),
    requestKeys: await inPortions(database, `DELETE FROM request_keys WHERE key_hash = ANY(ARRAY(${keys}))`),
  }
}

function oldest(names: string, table: string, since: string, age: string): string {
  return `SELECT ${names} FROM ${table} WHERE ${since} < now() - ${age} ORDER BY ${since} LIMIT ${portion}`
}

async function inPortions(database: Pick<Database, 'query'>, statement: string): Promise<number> {
  for (let total = 0; ; ) {
    const { count } = await database.query(statement)
    total += count
    if (count < portion) return total
  }
}
