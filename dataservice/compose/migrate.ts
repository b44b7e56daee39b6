/** What migrate works on. */
import { credentialFiles } from '#dataservice/contract/names.ts'
import { ensureTopics, type OthersTopics } from '#dataservice/migrate/others-topics.ts'
import { provision } from '#dataservice/migrate/provision.ts'
import { logRefusalOf, refusalOf } from '#dataservice/migrate/refused.ts'
import { start as startMigrate } from '#dataservice/migrate/role.ts'
import type { Environment } from '#dataservice/platform/environment.ts'
import { createConsumer } from '#dataservice/platform/kafka/consumer.ts'
import { openTopicAdmin, type TopicAdmin } from '#dataservice/platform/kafka/topic-admin.ts'
import type { RoleContext, Running } from '#dataservice/platform/lifecycle.ts'
import type { Database } from '#dataservice/platform/postgres/database.ts'
import { type TopicOptions, topicOptions } from './log.ts'
import { connectTo, withGivenUser } from './store.ts'

export function start(context: RoleContext, environment: Environment): Promise<Running> {
  const { log, store } = context.settings
  const { others } = log
  // It joins no group: it only looks.
  const topic = topicOptions(context, environment)
  const events = createConsumer({ ...topic, group: log.group })
  context.onClose('the log', () => events.stop())
  const database = connectTo({ address: store.primary, user: 'owner', poolSize: 1 }, context, environment)
  return startMigrate(context, {
    database,
    events,
    ...(store.access && { prepare: () => makeRoles(context, environment) }),
    ...(others && { topics: () => lookAfterTopics(topic, { ...log, others }, database) }),
  })
}

/** On a Kafka that others run. */
async function lookAfterTopics(
  { topic: _, ...options }: TopicOptions,
  log: OthersTopics['log'],
  database: Database,
): Promise<void> {
  let admin: TopicAdmin | undefined
  try {
    admin = await openTopicAdmin(options)
    await ensureTopics({ admin, log, database })
  } catch (error) {
    throw logRefusalOf(error, `Kafka ${log.brokers.join(',')}`) ?? error
  } finally {
    admin?.close()
  }
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
