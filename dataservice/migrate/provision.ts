/**
 * Roles and schema of one service on a Postgres that others run: made by the user that they gave, who must be allowed to
 * make roles (CREATEROLE) and schemas (CREATE on the database). What stands already is left; passwords are set anew.
 * Runs any number of times, also two at once.
 */
import { randomBytes } from 'node:crypto'
import { markFound, markOf, type Provision } from '#dataservice/platform/postgres/ownership.ts'
import { quoted } from '#dataservice/platform/postgres/record-fields.ts'
import { scramVerifier } from '#dataservice/platform/postgres/scram.ts'
import type { Session } from '#dataservice/platform/postgres/session.ts'
import { Refused } from '#dataservice/platform/refused.ts'

/** Before it, who may make roles may change those of others, too. */
const oldestMajor = 16
/** Of the database, for `pg_locks`: services of one database wait for each other. */
const lockNumber = 7_231_020_002n

/** Rejects with `Refused` where the server cannot be used, or the names belong to another service. */
export async function provision(session: Session, wish: Provision): Promise<void> {
  await checkServer(session)
  await session.query('BEGIN')
  try {
    await session.query(`SELECT pg_advisory_xact_lock(${lockNumber})`)
    await ensureRoles(session, wish)
    await ensureSchema(session, wish.store)
    await session.query('COMMIT')
  } catch (error) {
    await session.query('ROLLBACK')
    throw error
  }
}

async function checkServer(session: Session): Promise<void> {
  const { rows } = await session.query(
    "SELECT current_setting('server_version_num')::int / 10000, current_setting('server_encoding'), pg_is_in_recovery()",
  )
  const [major, encoding, isReplica] = rows[0] ?? []
  if (Number(major) < oldestMajor)
    throw new Refused(
      'EngineUnfit',
      `it is Postgres ${major}, and ${oldestMajor} is the oldest that can be used`,
    )
  if (encoding !== 'UTF8')
    throw new Refused('EngineUnfit', `the database has the encoding ${encoding}, and records need UTF8`)
  if (isReplica === 't') throw new Refused('EngineUnfit', 'it is a replica, and the primary is needed')
}

async function ensureRoles(session: Session, { store, service, passwords }: Provision): Promise<void> {
  const { users } = store
  const mark = markOf(service, passwords)
  const found = await markFound(session, users.owner)
  if (found !== undefined && found !== mark)
    throw new Refused(
      'NameTaken',
      `role ${users.owner} belongs to ${found.replace(/ \([0-9a-f]+\)$/, '')} with other credentials, of another ` +
        'Kubernetes cluster or of an earlier life. Give the class of one of the clusters a scopePrefix of its own; to take ' +
        `over what stands there: COMMENT ON ROLE ${users.owner} IS NULL`,
    )
  for (const user of ['owner', 'writer', 'reader'] as const)
    await ensureRole(session, users[user], passwords[user])
  await session.query(`COMMENT ON ROLE ${quoted(users.owner)} IS '${mark.replaceAll("'", "''")}'`)
  for (const user of Object.values(users)) await ensureConnect(session, user, store.database)
}

async function ensureRole(session: Session, name: string, password: string): Promise<void> {
  const known = { text: 'SELECT FROM pg_roles WHERE rolname = $1', values: [name] }
  if ((await session.query(known)).count === 0) await session.query(`CREATE ROLE ${quoted(name)}`)
  const verifier = scramVerifier(password, randomBytes(16)) // base64, digits, $ and : alone
  await session.query(`ALTER ROLE ${quoted(name)} LOGIN PASSWORD '${verifier}'`)
}

/** Everybody may connect unless somebody took that right from PUBLIC; a grant without effect is no error to Postgres. */
async function ensureConnect(session: Session, name: string, database: string): Promise<void> {
  const text = "SELECT has_database_privilege($1, current_database(), 'CONNECT')"
  const may = async (): Promise<boolean> =>
    (await session.query({ text, values: [name] })).rows[0]?.[0] === 't'
  if (await may()) return
  const grant = `GRANT CONNECT ON DATABASE ${quoted(database)} TO ${quoted(name)}`
  await session.query(grant)
  if (!(await may())) throw new Refused('RightsMissing', `role ${name} may not connect: ${grant}`)
}

/** Who makes a schema for another role must be able to become that role. */
async function ensureSchema(session: Session, { schema, users }: Provision['store']): Promise<void> {
  const known = { text: 'SELECT FROM pg_namespace WHERE nspname = $1', values: [schema] }
  if ((await session.query(known)).count > 0) return
  await session.query(`GRANT ${quoted(users.owner)} TO CURRENT_USER`)
  await session.query(`CREATE SCHEMA ${quoted(schema)} AUTHORIZATION ${quoted(users.owner)}`)
}
