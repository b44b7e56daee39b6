/** Whether passwords open nothing: the pod of Postgres sees to it, as soon as it has read that it should. */
import type { Database } from '#dataservice/platform/postgres/database.ts'

/** Whom it is about. */
export interface Retired {
  /** Names of the users of the turn before. */
  retired: readonly string[]
  /** The role of replicas and backups keeps its name; the mark says whose password opens it. */
  replication: { role: string; mark: string }
}

const question = `SELECT
  (SELECT count(*) FROM pg_roles WHERE rolcanlogin AND rolname = ANY ($1)) +
  (SELECT count(*) FROM pg_stat_activity WHERE usename = ANY ($1)) +
  (SELECT count(*) FROM pg_roles WHERE rolname = $2 AND shobj_description(oid, 'pg_authid') IS DISTINCT FROM $3)`

/** None of them may log in, and nobody who did is left. */
export async function isRetired(
  database: Pick<Database, 'query'>,
  { retired, replication }: Retired,
): Promise<boolean> {
  const users = `{${retired.join(',')}}` // plain identifiers
  const values = [users, replication.role, replication.mark]
  const { rows } = await database.query({ text: question, values })
  return rows[0]?.[0] === '0'
}
