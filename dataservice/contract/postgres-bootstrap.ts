/**
 * What a managed Postgres does for itself on each start: its roles, their passwords, and the database.
 * The pod runs this text through `psql` as superuser over the local socket; the migrate Job does all the rest.
 */

/** What the bootstrap makes. All names are plain identifiers. */
export interface BootstrapNames {
  database: string
  schema: string
  users: { owner: string; writer: string; reader: string }
  /** The role of streaming replicas. */
  replication: string
}

/** Environment variables from which the script takes the passwords; all of them must be set. */
export const bootstrapVariables = {
  owner: 'DATASERVICE_OWNER_PASSWORD',
  writer: 'DATASERVICE_WRITER_PASSWORD',
  reader: 'DATASERVICE_READER_PASSWORD',
  replication: 'DATASERVICE_REPLICATION_PASSWORD',
} as const

/**
 * The script for `psql --username=postgres --dbname=postgres --file=…` (psql 14 or later; it stops at the first
 * error by itself). It may run on each start: what exists is left, passwords are set anew. Passwords reach psql by
 * `bootstrapVariables` and never stand in the text.
 */
export function bootstrapSql({ database, schema, users, replication }: BootstrapNames): string {
  const people: Person[] = [
    { user: users.owner, variable: bootstrapVariables.owner, right: 'NOREPLICATION' },
    { user: users.writer, variable: bootstrapVariables.writer, right: 'NOREPLICATION' },
    { user: users.reader, variable: bootstrapVariables.reader, right: 'NOREPLICATION' },
    { user: replication, variable: bootstrapVariables.replication, right: 'REPLICATION' },
  ]
  for (const name of [database, schema, ...people.map(({ user }) => user)]) assertIdentifier(name)
  return [
    '\\set ON_ERROR_STOP on',
    ...people.flatMap(role),
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

interface Person {
  user: string
  variable: string
  right: 'REPLICATION' | 'NOREPLICATION'
}

function role({ user, variable, right }: Person): string[] {
  return [
    `\\getenv password ${variable}`,
    `SELECT 'CREATE ROLE ${user}' WHERE NOT EXISTS (SELECT FROM pg_roles WHERE rolname = '${user}') \\gexec`,
    `ALTER ROLE ${user} LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE ${right} PASSWORD :'password';`,
    // An unset variable must not hand the next role this one's password.
    '\\unset password',
  ]
}

function assertIdentifier(name: string): void {
  if (!/^[a-z][a-z0-9_]{0,62}$/.test(name)) throw new Error(`not a plain SQL identifier: ${name}`)
}
