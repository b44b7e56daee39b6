/**
 * What is kept for a time only: outcomes as long as the log may be read again, dead letters as long as the records beside them, Idempotency-Keys
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

/** In milliseconds. */
export interface Kept {
  /** Outcomes: whoever reads the log must be told which of its records are not stored. */
  outcomesMs: number
  /** Records; without it dead letters are kept for ever. */
  recordsMs?: number
}

/**
 * For the owner of the tables. A dead letter that is not in its topic yet, or for which others wait, is never forgotten,
 * nor is what waits. Answers how many rows went.
 */
export async function forgetOld(
  database: Pick<Database, 'query'>,
  { outcomesMs, recordsMs: retainMs }: Kept,
): Promise<Forgotten> {
  const milliseconds = (count: number | undefined) => `${count} * interval '1 millisecond'`
  const decided = `outcomes WHERE outcome <> 'held' AND`
  const outcomes = oldest('ctid', decided, 'decided_at', milliseconds(outcomesMs))
  const letters = oldest('id', 'dead_letters WHERE NOT blocks AND', 'relayed_at', milliseconds(retainMs))
  const keys = oldest('key_hash', 'request_keys WHERE', 'expires_at', `interval '0'`)
  return {
    outcomes: await inPortions(database, `DELETE FROM outcomes WHERE ctid = ANY(ARRAY(${outcomes}))`),
    deadLetters:
      retainMs === undefined
        ? 0
        : await inPortions(database, `DELETE FROM dead_letters WHERE id = ANY(ARRAY(${letters}))`),
    requestKeys: await inPortions(database, `DELETE FROM request_keys WHERE key_hash = ANY(ARRAY(${keys}))`),
  }
}

function oldest(names: string, from: string, since: string, age: string): string {
  return `SELECT ${names} FROM ${from} ${since} < now() - ${age} ORDER BY ${since} LIMIT ${portion}`
}

async function inPortions(database: Pick<Database, 'query'>, statement: string): Promise<number> {
  for (let total = 0; ; ) {
    const { count } = await database.query(statement)
    total += count
    if (count < portion) return total
  }
}
