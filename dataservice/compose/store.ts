/** Postgres as our users find it. */
import { credentialFiles } from '#dataservice/contract/names.ts'
import type { Settings } from '#dataservice/contract/settings.ts'
import type { RoleContext } from '#dataservice/platform/lifecycle.ts'
import { type Database, type DatabaseOptions, openDatabase } from '#dataservice/platform/postgres/database.ts'

/**
 * How each user differs. The owner's statements change tables and have no time limit. The writer's partitions share few
 * connections and take turns; a reader's client would not wait so long.
 */
const connections: Readonly<Record<keyof Settings['store']['users'], Partial<DatabaseOptions>>> = {
  owner: { statementTimeoutMs: 0 },
  writer: { waitMs: 30_000 },
  reader: {},
}

/** The primary as one of our users. */
export function connect(
  context: RoleContext,
  user: keyof Settings['store']['users'],
  poolSize: number,
): Database {
  return connectTo(context.settings.store.primary, context, user, poolSize)
}

/** One endpoint as one of our users. */
export function connectTo(
  address: Settings['store']['primary'],
  context: RoleContext,
  user: keyof Settings['store']['users'],
  poolSize: number,
): Database {
  const { database, schema, users } = context.settings.store
  const opened = openDatabase({
    ...address,
    database,
    schema,
    user: users[user],
    applicationName: context.podName,
    password: () => context.credential(credentialFiles.postgresPassword),
    ...(context.certificates && { tls: context.certificates.context }),
    poolSize,
    ...connections[user],
  })
  context.onClose('the database', () => opened.close())
  return opened
}
