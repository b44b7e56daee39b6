/**
 * Takes schema and roles of one service from a Postgres that others run: the counterpart of `provision`. What belongs to
 * somebody else is left. Runs any number of times; what an earlier run took away is no matter.
 */
import { isProvisioned, type Provision } from '#dataservice/platform/postgres/ownership.ts'
import { quoted } from '#dataservice/platform/postgres/record-fields.ts'
import type { Session } from '#dataservice/platform/postgres/session.ts'

/**
 * As the user that made them. `before`: what has to be read of the tables while they are there. Rejects with `Refused`
 * where the names belong to another service.
 */
export async function removeStore(
  session: Session,
  wish: Provision,
  before: () => Promise<void>,
): Promise<void> {
  if (!(await isProvisioned(session, wish))) return
  const { schema, users } = wish.store
  const roles = [users.writer, users.reader, users.owner]
  await lockOut(session, roles)
  await before()
  await dropPartitions(session, schema)
  await session.query('BEGIN')
  try {
    const named = roles.map(quoted).join(', ')
    await session.query(`DROP OWNED BY ${named} CASCADE`)
    await session.query(`DROP ROLE ${named}`)
    await session.query('COMMIT')
  } catch (error) {
    await session.query('ROLLBACK')
    throw error
  }
}

/** Pods of the service may still be at work. */
async function lockOut(session: Session, roles: readonly string[]): Promise<void> {
  for (const role of roles) {
    await session.query(`GRANT ${quoted(role)} TO CURRENT_USER WITH INHERIT TRUE`)
    await session.query(`ALTER ROLE ${quoted(role)} NOLOGIN`)
  }
  const text = 'SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = ANY($1)'
  await session.query({ text, values: [`{${roles.map(role => `"${role}"`).join(',')}}`] })
}

/** One by one: each takes locks, and a server has room for so many at a time only. */
async function dropPartitions(session: Session, schema: string): Promise<void> {
  const text = `SELECT format('%I.%I', n.nspname, c.relname)
FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE n.nspname = $1 AND c.relispartition AND c.relkind = 'r'`
  const { rows } = await session.query({ text, values: [schema] })
  for (const [name] of rows) await session.query(`DROP TABLE IF EXISTS ${name}`)
}
