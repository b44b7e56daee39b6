/** What migrate works on. */
import { start as startMigrate } from '#dataservice/migrate/role.ts'
import { createConsumer } from '#dataservice/platform/kafka/consumer.ts'
import type { RoleContext, Running } from '#dataservice/platform/lifecycle.ts'
import { topicOptions } from './log.ts'
import { connect } from './store.ts'

export function start(context: RoleContext): Promise<Running> {
  // It joins no group: it only looks.
  const events = createConsumer({ ...topicOptions(context), group: context.settings.log.group })
  context.onClose('the log', () => events.stop())
  return startMigrate(context, { database: connect(context, 'owner', 1), events })
}
