/** Whether users are shut out: the pod of Postgres does it, as soon as it has read that it should. */
import { setTimeout as delay } from 'node:timers/promises'
import type { Database } from '#dataservice/platform/postgres/database.ts'

const question = `SELECT
  (SELECT count(*) FROM pg_roles WHERE rolcanlogin AND rolname = ANY ($1)) +
  (SELECT count(*) FROM pg_stat_activity WHERE usename = ANY ($1))`

/** Resolves when none of them may log in, and nobody who did is left. */
export async function untilRetired(
  database: Pick<Database, 'query'>,
  users: readonly string[],
  { signal, pollMs = 1_000 }: { signal: AbortSignal; pollMs?: number },
): Promise<void> {
  const values = [`{${users.join(',')}}`] // plain identifiers
  for (;;) {
    const { rows } = await database.query({ text: question, values })
    if (rows[0]?.[0] === '0') return
    await delay(pollMs, undefined, { signal })
  }
}
