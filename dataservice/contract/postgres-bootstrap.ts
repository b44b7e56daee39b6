/**
 * What a managed Postgres does for itself: its roles and the database on each start, and who may log in also while it runs.
 * The pod runs these texts through `psql` as superuser over the local socket; the migrate Job does all the rest.
 */
import { type LoginSet, loginOf } from './names.ts'

/** What the bootstrap makes. All names are plain identifiers. */
export interface BootstrapNames {
  database: string
  schema: string
  users: { owner: string; writer: string; reader: string }
  /** The role of streaming replicas. */
  replication: string
}

/** Environment variables from which the scripts take passwords. */
export const bootstrapVariables = {
  owner: 'DATASERVICE_OWNER_PASSWORD',
  writer: 'DATASERVICE_WRITER_PASSWORD',
  reader: 'DATASERVICE_READER_PASSWORD',
  replication: 'DATASERVICE_REPLICATION_PASSWORD',
} as const

/** Environment variable with the turn of that password, once nothing has the one before. */
export const aloneVariable = 'DATASERVICE_REPLICATION_ALONE'

/** A statement that fails is not logged, for a password may stand in it. */
const preamble = [
  '\\set ON_ERROR_STOP on',
  "SET log_min_error_statement = 'panic';",
  'SET client_min_messages = warning;',
]

/**
 * The script for `psql --username=postgres --dbname=postgres --file=…` (psql 14 or later; it stops at the first
 * error by itself). It may run on each start: what exists is left. Passwords come by the other scripts.
 */
export function bootstrapSql({ database, schema, users, replication }: BootstrapNames): string {
  const firsts = Object.values(users)
  for (const name of [database, schema, replication, ...firsts]) assertIdentifier(name)
  return [
    ...preamble,
    ...firsts.flatMap(user => made(user, 'NOREPLICATION')),
    ...firsts.flatMap(second),
    ...made(replication, 'REPLICATION'),
    `SELECT 'CREATE DATABASE ${database} OWNER ${users.owner} TEMPLATE template0 ENCODING UTF8'`,
    `  WHERE NOT EXISTS (SELECT FROM pg_database WHERE datname = '${database}') \\gexec`,
    `ALTER DATABASE ${database} OWNER TO ${users.owner};`,
    // So that `psql -U postgres dataservice` finds the tables without naming their schema.
    `ALTER DATABASE ${database} SET search_path = ${schema};`,
    `REVOKE ALL ON DATABASE ${database} FROM PUBLIC;`,
    `GRANT CONNECT ON DATABASE ${database} TO ${users.writer}, ${users.reader};`,
    '',
  ].join('\n')
}

/** What the role of replicas says of itself when nothing else opens it. */
export const aloneMark = (turn: number): string => `passwords ${turn}`

/**
 * The script that gives the role of replicas and backups another password; it has one name, and connections that exist stay.
 * With `aloneVariable` they end, once: who knew only an earlier password cannot come back. Passwords reach psql by
 * `bootstrapVariables` and never stand in a text.
 */
export function replicationSql({ replication }: Pick<BootstrapNames, 'replication'>): string {
  assertIdentifier(replication)
  return [
    ...preamble,
    `\\getenv password ${bootstrapVariables.replication}`,
    `ALTER ROLE ${replication} LOGIN PASSWORD :'password';`,
    '\\unset password',
    `\\getenv alone ${aloneVariable}`,
    '\\if :{?alone}',
    "\\set mark 'passwords ' :alone",
    "SELECT shobj_description(oid, 'pg_authid') IS DISTINCT FROM :'mark' AS is_new",
    `  FROM pg_roles WHERE rolname = '${replication}' \\gset`,
    '\\if :is_new',
    `SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = '${replication}';`,
    `COMMENT ON ROLE ${replication} IS :'mark';`,
    '\\endif',
    '\\endif',
    '',
  ].join('\n')
}

/**
 * The script that lets the users of one set log in with the passwords in the environment. Where there are none it shuts them
 * out: they may not log in, have no password, and their sessions end. It may run at any time, any number of times.
 */
export function loginsSql({ users }: Pick<BootstrapNames, 'users'>, set: LoginSet): string {
  const logins = people.map(who => ({
    login: loginOf(users[who], set),
    variable: bootstrapVariables[who],
  }))
  for (const { login } of logins) assertIdentifier(login)
  return [
    ...preamble,
    'BEGIN;',
    ...logins.flatMap(({ login, variable }) => [
      `\\getenv password ${variable}`,
      '\\if :{?password}',
      `ALTER ROLE ${login} LOGIN PASSWORD :'password';`,
      '\\else',
      `ALTER ROLE ${login} NOLOGIN PASSWORD NULL;`,
      '\\endif',
      // An unset variable must not hand the next role this one's password.
      '\\unset password',
    ]),
    'COMMIT;',
    endSessions(logins.map(({ login }) => login)),
    '',
  ].join('\n')
}

/**
 * The script of a replica, where nothing can be written: ends the sessions of those users of a set who may not log in. Its
 * last line is `t` when it has heard that none of them may.
 */
export function sessionsSql({ users }: Pick<BootstrapNames, 'users'>, set: LoginSet): string {
  const names = people.map(who => loginOf(users[who], set))
  for (const name of names) assertIdentifier(name)
  return [
    ...preamble,
    endSessions(names),
    `SELECT NOT EXISTS (SELECT FROM pg_roles WHERE rolcanlogin AND rolname IN (${quotedList(names)}));`,
    '',
  ].join('\n')
}

const people = ['owner', 'writer', 'reader'] as const

const quotedList = (names: readonly string[]): string => names.map(name => `'${name}'`).join(', ')

const endSessions = (names: readonly string[]): string =>
  `SELECT pg_terminate_backend(pid) FROM pg_stat_activity JOIN pg_roles ON rolname = usename
  WHERE usename IN (${quotedList(names)}) AND NOT rolcanlogin;`

function made(role: string, right: 'REPLICATION' | 'NOREPLICATION'): string[] {
  return [
    `SELECT 'CREATE ROLE ${role}' WHERE NOT EXISTS (SELECT FROM pg_roles WHERE rolname = '${role}') \\gexec`,
    `ALTER ROLE ${role} NOSUPERUSER NOCREATEDB NOCREATEROLE ${right};`,
  ]
}

/** Becomes the first name as soon as it has logged in: nothing is ever granted to it, and it owns nothing. */
function second(user: string): string[] {
  const login = loginOf(user, 2)
  return [
    ...made(login, 'NOREPLICATION'),
    `GRANT ${user} TO ${login};`,
    `ALTER ROLE ${login} SET role = '${user}';`,
  ]
}

function assertIdentifier(name: string): void {
  if (!/^[a-z][a-z0-9_]{0,62}$/.test(name)) throw new Error(`not a plain SQL identifier: ${name}`)
}
