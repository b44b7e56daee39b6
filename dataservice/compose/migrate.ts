/** What migrate works on. */
import { alone } from '#dataservice/migrate/alone.ts'
import { ensureTopics } from '#dataservice/migrate/others-topics.ts'
import { provision } from '#dataservice/migrate/provision.ts'
import { start as startMigrate } from '#dataservice/migrate/role.ts'
import type { Environment } from '#dataservice/platform/environment.ts'
import { createConsumer } from '#dataservice/platform/kafka/consumer.ts'
import type { RoleContext, Running } from '#dataservice/platform/lifecycle.ts'
import { topicOptions } from './log.ts'
import { atGivenStore, withTopicAdmin } from './others.ts'
import { connectTo } from './store.ts'

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
    ...(store.access && { prepare: () => atGivenStore(context, environment, provision) }),
    ...(others && {
      topics: () =>
        withTopicAdmin(topic, admin =>
          alone({ database, signal: context.signal }, session =>
            ensureTopics({ admin, log: { ...log, others }, session, schema: store.schema }),
          ),
        ),
    }),
  })
}
