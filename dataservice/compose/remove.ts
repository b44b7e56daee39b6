/** What remove works on. */
import { removeTopics } from '#dataservice/migrate/others-topics.ts'
import type { Environment } from '#dataservice/platform/environment.ts'
import type { RoleContext, Running } from '#dataservice/platform/lifecycle.ts'
import type { Session } from '#dataservice/platform/postgres/session.ts'
import { start as startRemove } from '#dataservice/remove/role.ts'
import { removeStore } from '#dataservice/remove/store.ts'
import { topicOptions } from './log.ts'
import { atGivenStore, withTopicAdmin } from './others.ts'
import { connectTo } from './store.ts'

export function start(context: RoleContext, environment: Environment): Promise<Running> {
  const { log, store, leaves = [] } = context.settings
  const { others } = log
  /** Which topics are its own stands in its tables, so these go last. */
  const topicsOf = async (session: Pick<Session, 'query'>): Promise<void> => {
    if (others?.topics !== 'Create' || !leaves.includes('kafka')) return
    const { schema } = store
    await withTopicAdmin(topicOptions(context, environment), admin =>
      removeTopics({ admin, log: { ...log, others }, session, schema }),
    )
  }
  const remove =
    store.access === undefined || !leaves.includes('postgres')
      ? () =>
          topicsOf(connectTo({ address: store.primary, user: 'owner', poolSize: 1 }, context, environment))
      : () =>
          atGivenStore(context, environment, (session, wish) =>
            removeStore(session, wish, () => topicsOf(session)),
          )
  return startRemove(context, { remove })
}
