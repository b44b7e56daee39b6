/** Migrations of one service wait for each other. */
import type { Database } from '#dataservice/platform/postgres/database.ts'
import type { Session } from '#dataservice/platform/postgres/session.ts'

/** The number of the lock, for `pg_locks`. Each service has a database or a schema; waiting too long is harmless. */
const lockNumber = 7_231_020_001n
const lockPollMs = 200

/** `database`: as the owner. Of whoever changes the tables, one at a time works. */
export function alone<Answer>(
  { database, signal }: { database: Database; signal: AbortSignal },
  work: (session: Session) => Promise<Answer>,
): Promise<Answer> {
  return database.use(async session => {
    await lock(session, signal)
    const answer = await work(session).catch(async error => {
      await unlock(session).catch(() => {}) // with a session that is lost its lock is gone, too
      throw error
    })
    await unlock(session)
    return answer
  })
}

const unlock = (session: Session) => session.query(`SELECT pg_advisory_unlock(${lockNumber})`)

/**
 * Asks again and again instead of waiting in the server: a waiting statement holds a snapshot, and building an index
 * concurrently waits for all snapshots, so the two would wait for each other.
 */
async function lock(session: Session, signal: AbortSignal): Promise<void> {
  for (;;) {
    const { rows } = await session.query(`SELECT pg_try_advisory_lock(${lockNumber})`)
    if (rows[0]?.[0] === 't') return
    await new Promise(resolve => setTimeout(resolve, lockPollMs))
    signal.throwIfAborted()
  }
}
