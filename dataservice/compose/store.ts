/** Postgres as our users find it. */
import { credentialFiles, loginOf, loginSetOf } from '#dataservice/contract/names.ts'
import type { Settings } from '#dataservice/contract/settings.ts'
import type { Environment } from '#dataservice/platform/environment.ts'
import { givenAccess } from '#dataservice/platform/files/given-access.ts'
import type { RoleContext } from '#dataservice/platform/lifecycle.ts'
import { type Database, type DatabaseOptions, openDatabase } from '#dataservice/platform/postgres/database.ts'
import { watchGivenTls } from '#dataservice/platform/tls/given.ts'

export type PostgresEntry = Pick<Environment, 'postgresAccessPath' | 'postgresAuthorityPath' | 'turn'>

/**
 * How each user differs. The owner's statements change tables and have no time limit. The writer's partitions share few
 * connections and take turns; a reader's client would not wait so long.
 */
const connections: Readonly<Record<keyof Settings['store']['users'], Partial<DatabaseOptions>>> = {
  owner: { statementTimeoutMs: 0 },
  writer: { waitMs: 30_000 },
  reader: {},
}

interface Way {
  address: Settings['store']['primary']
  user: keyof Settings['store']['users']
  poolSize: number
}

/** One endpoint as one of our users. */
export function connectTo(
  { address, user, poolSize }: Way,
  context: RoleContext,
  entry: PostgresEntry,
): Database {
  const { schema, users } = context.settings.store
  return opened(context, {
    ...common(context, address, entry),
    schema,
    user: loginOf(users[user], loginSetOf(entry.turn)),
    password: () => context.credential(credentialFiles.postgresPassword),
    poolSize,
    ...connections[user],
  })
}

/** The primary of others as the user that they gave, with one connection for as long as `work` takes. */
export async function withGivenUser(
  context: RoleContext,
  entry: PostgresEntry,
  work: (database: Database) => Promise<void>,
): Promise<void> {
  const { username, password } = givenAccess(entry.postgresAccessPath, 'postgres.external.secretRef')
  const database = openDatabase({
    ...common(context, context.settings.store.primary, entry),
    schema: 'public',
    user: username ?? 'postgres',
    password: () => password,
    poolSize: 1,
  })
  try {
    await work(database)
  } finally {
    await database.close()
  }
}

const common = (context: RoleContext, address: Settings['store']['primary'], entry: PostgresEntry) => ({
  ...address,
  database: context.settings.store.database,
  applicationName: context.podName,
  ...encryption(context, entry),
})

/** Our own certificates are for our own engines. */
function encryption(
  { settings, certificates, log, onClose }: RoleContext,
  { postgresAuthorityPath }: PostgresEntry,
): Pick<DatabaseOptions, 'tls'> {
  const { access, tls } = settings.store
  if (access === undefined) return certificates ? { tls: certificates.context } : {}
  if (tls === undefined) return {}
  const given = watchGivenTls({ log, ...(tls.ownAuthority && { authority: postgresAuthorityPath }) })
  onClose('the certificates of the database', () => given.close())
  return { tls: given.context }
}

function opened(context: RoleContext, options: DatabaseOptions): Database {
  const database = openDatabase(options)
  context.onClose('the database', () => database.close())
  return database
}
