/** What migrate works on. */
import { credentialFiles } from '#dataservice/contract/names.ts'
import { provision } from '#dataservice/migrate/provision.ts'
import { refusalOf } from '#dataservice/migrate/refused.ts'
import { start as startMigrate } from '#dataservice/migrate/role.ts'
import type { Environment } from '#dataservice/platform/environment.ts'
import { createConsumer } from '#dataservice/platform/kafka/consumer.ts'
import type { RoleContext, Running } from '#dataservice/platform/lifecycle.ts'
import { topicOptions } from './log.ts'
import { connectTo, withGivenUser } from './store.ts'

export function start(context: RoleContext, environment: Environment): Promise<Running> {
  const { log, store } = context.settings
  // It joins no group: it only looks.
  const events = createConsumer({ ...topicOptions(context), group: log.group })
  context.onClose('the log', () => events.stop())
  const database = connectTo({ address: store.primary, user: 'owner', poolSize: 1 }, context, environment)
  return startMigrate(context, {
    database,
    events,
    ...(store.access && { prepare: () => makeRoles(context, environment) }),
  })
}

/** Roles and schema on a Postgres that others run. */
async function makeRoles(context: RoleContext, environment: Environment): Promise<void> {
  const { settings, credential } = context
  const passwords = {
    owner: credential(credentialFiles.postgresPassword),
    writer: credential(credentialFiles.writerPassword),
    reader: credential(credentialFiles.readerPassword),
  }
  const service = `${settings.namespace}/${settings.name}`
  const { store } = settings
  try {
    await withGivenUser(context, environment, database =>
      database.use(session => provision(session, { store, service, passwords })),
    )
  } catch (error) {
    throw refusalOf(error, `Postgres ${store.primary.host}:${store.primary.port}`) ?? error
  }
}
