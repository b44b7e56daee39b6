/** Engines that others run, as those find them who make something there or take it away. */
import { credentialFiles } from '#dataservice/contract/names.ts'
import type { Environment } from '#dataservice/platform/environment.ts'
import { openTopicAdmin, type TopicAdmin } from '#dataservice/platform/kafka/topic-admin.ts'
import type { RoleContext } from '#dataservice/platform/lifecycle.ts'
import type { Provision } from '#dataservice/platform/postgres/ownership.ts'
import type { Session } from '#dataservice/platform/postgres/session.ts'
import { logRefusalOf, refusalOf } from '#dataservice/platform/refused.ts'
import type { TopicOptions } from './log.ts'
import { withGivenUser } from './store.ts'

/** Rejects with `Refused` for what only a person can mend. */
export async function withTopicAdmin(
  { topic: _, ...options }: TopicOptions,
  work: (admin: TopicAdmin) => Promise<void>,
): Promise<void> {
  let admin: TopicAdmin | undefined
  try {
    admin = await openTopicAdmin(options)
    await work(admin)
  } catch (error) {
    throw logRefusalOf(error, `Kafka ${options.brokers.join(',')}`) ?? error
  } finally {
    admin?.close()
  }
}

/** As the user that was given; rejects with `Refused` for what only a person can mend. */
export async function atGivenStore(
  context: RoleContext,
  environment: Environment,
  work: (session: Session, wish: Provision) => Promise<void>,
): Promise<void> {
  const { settings, credential } = context
  const { store } = settings
  const passwords = {
    owner: credential(credentialFiles.postgresPassword),
    writer: credential(credentialFiles.writerPassword),
    reader: credential(credentialFiles.readerPassword),
  }
  const wish = { store, service: `${settings.namespace}/${settings.name}`, passwords }
  try {
    await withGivenUser(context, environment, database => database.use(session => work(session, wish)))
  } catch (error) {
    throw refusalOf(error, `Postgres ${store.primary.host}:${store.primary.port}`) ?? error
  }
}
