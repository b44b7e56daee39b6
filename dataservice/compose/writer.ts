/** The writer's adapters. */
import { createAppender } from '#dataservice/platform/kafka/appender.ts'
import { createConsumer } from '#dataservice/platform/kafka/consumer.ts'
import type { RoleContext, Running } from '#dataservice/platform/lifecycle.ts'
import { tableKind } from '#dataservice/platform/postgres/partitions.ts'
import { start as startWriter } from '#dataservice/writer/role.ts'
import { sharedCache } from './cache.ts'
import { topicOptions } from './log.ts'
import { connect } from './store.ts'

export async function start(context: RoleContext): Promise<Running> {
  const database = connect(context, 'writer', context.settings.store.poolSize.writer)
  const consumer = createConsumer({ ...topicOptions(context), group: context.settings.log.group })
  const topic = context.settings.log.deadLettersTopic
  const openDeadLetters = (signal: AbortSignal) => createAppender({ ...topicOptions(context), topic, signal })
  const isChanging = tableKind(context.settings.partitioning) === 'Upsert'
  const cache = isChanging ? sharedCache(context) : undefined
  return startWriter(context, { consumer, database, openDeadLetters, ...(cache && { cache }) })
}
