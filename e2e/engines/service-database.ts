/** A database as the managed Postgres of one service has it after its start: roles and an empty database. */
import { randomBytes } from 'node:crypto'
import {
  bootstrapSql,
  bootstrapVariables,
  loginsSql,
  replicationSql,
} from '#dataservice/contract/postgres-bootstrap.ts'
import type { Settings } from '#dataservice/contract/settings.ts'
import { type Database, type DatabaseOptions, openDatabase } from '#dataservice/platform/postgres/database.ts'
import { engines as recipes } from '#e2e/images/recipes.ts'
import { engineRoot } from '#e2e/images/root-folder.ts'
import { run } from '#tools/shell.ts'
import { engineFolder } from './folder.ts'
import type { PostgresAddress } from './postgres.ts'
import { chrootArguments } from './process.ts'

export type DatabaseUser = keyof Settings['store']['users']

export interface ServiceDatabase {
  /** The part of the settings that speaks of the database. */
  store: Settings['store']
  password(user: DatabaseUser): string
  /** Opens it as one of its users; close what is opened. */
  open(user: DatabaseUser, changes?: Partial<DatabaseOptions>): Database
}

const recipe = recipes.postgres

/** Runs the bootstrap of the pods through psql, with names of its own so that tests share one server. */
export async function serviceDatabase(server: PostgresAddress): Promise<ServiceDatabase> {
  const suffix = randomBytes(5).toString('hex')
  const names = {
    database: `ds_${suffix}`,
    schema: 'dataservice',
    users: { owner: `owner_${suffix}`, writer: `writer_${suffix}`, reader: `reader_${suffix}` },
    replication: `replication_${suffix}`,
  }
  const password = (user: keyof typeof bootstrapVariables) => `${user}'s-${suffix}`
  await runBootstrap(server, bootstrapSql(names) + loginsSql(names, 1) + replicationSql(names), password)
  const endpoint = { host: server.host, port: server.port }
  const { database, schema, users } = names
  return {
    store: {
      primary: endpoint,
      replica: endpoint,
      database,
      schema,
      users,
      poolSize: { writer: 4, reader: 4 },
    },
    password,
    open: (user, changes = {}) =>
      openDatabase({
        ...endpoint,
        database,
        schema,
        user: users[user],
        applicationName: `test-${user}`,
        password: () => password(user),
        poolSize: 4,
        ...(user === 'owner' ? { statementTimeoutMs: 0 } : {}),
        ...changes,
      }),
  }
}

async function runBootstrap(
  server: PostgresAddress,
  sql: string,
  password: (user: keyof typeof bootstrapVariables) => string,
): Promise<void> {
  const root = await engineRoot('postgres')
  const folder = await engineFolder()
  const data = { folder: await folder.own('empty', recipe.user.id), seenAs: recipe.dataFolder }
  const passwords = Object.fromEntries(
    (['owner', 'writer', 'reader', 'replication'] as const).map(user => [
      bootstrapVariables[user],
      password(user),
    ]),
  )
  const { program, args } = chrootArguments({
    root: root.path,
    userId: recipe.user.id,
    data,
    environment: { ...recipe.environment, ...passwords, PGPASSWORD: server.password },
    program: [
      'psql',
      '--quiet',
      `--host=${server.host}`,
      `--port=${server.port}`,
      `--username=${server.user}`,
      `--dbname=${server.database}`,
    ],
  })
  await run(program, args, { input: sql }).finally(() => folder.remove())
}
