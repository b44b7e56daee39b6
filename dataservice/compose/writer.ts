/** The writer's adapters. */
import type { Environment } from '#dataservice/platform/environment.ts'
import { createAppender } from '#dataservice/platform/kafka/appender.ts'
import { createConsumer } from '#dataservice/platform/kafka/consumer.ts'
import type { RoleContext, Running } from '#dataservice/platform/lifecycle.ts'
import { type ChangingPorts, start as startWriter } from '#dataservice/writer/role.ts'
import { sharedCache } from './cache.ts'
import { topicOptions } from './log.ts'
import { connect } from './store.ts'

export async function start(context: RoleContext, environment: Environment): Promise<Running> {
  const database = connect(context, 'writer', context.settings.store.poolSize.writer)
  const consumer = createConsumer({ ...topicOptions(context), group: context.settings.log.group })
  const { deadLettersTopic } = context.settings.log
  const openDeadLetters = (signal: AbortSignal) => openTopic(context, deadLettersTopic, signal)
  const changing = changingPorts(context, environment)
  return startWriter(context, { consumer, database, openDeadLetters, ...(changing && { changing }) })
}

function changingPorts(context: RoleContext, environment: Environment): ChangingPorts | undefined {
  const { changesTopic } = context.settings.log
  if (changesTopic === undefined) return undefined
  return {
    cache: sharedCache(context, environment),
    openChanges: signal => openTopic(context, changesTopic, signal),
  }
}

const openTopic = (context: RoleContext, topic: string, signal: AbortSignal) =>
  createAppender({ ...topicOptions(context), topic, signal })
