/** The writer's adapters. */
import type { Environment } from '#dataservice/platform/environment.ts'
import { createAppender } from '#dataservice/platform/kafka/appender.ts'
import { createConsumer } from '#dataservice/platform/kafka/consumer.ts'
import { createLogReader } from '#dataservice/platform/kafka/log-reader.ts'
import type { LogReader } from '#dataservice/platform/kafka/port.ts'
import type { RoleContext, Running } from '#dataservice/platform/lifecycle.ts'
import { type ChangingPorts, start as startWriter } from '#dataservice/writer/role.ts'
import { sharedCache } from './cache.ts'
import { type TopicOptions, topicOptions } from './log.ts'
import { connectTo } from './store.ts'

export async function start(context: RoleContext, environment: Environment): Promise<Running> {
  const { primary: address, poolSize } = context.settings.store
  const database = connectTo({ address, user: 'writer', poolSize: poolSize.writer }, context, environment)
  const events = topicOptions(context, environment)
  const consumer = createConsumer({ ...events, group: context.settings.log.group })
  const { deadLettersTopic } = context.settings.log
  const openDeadLetters = (signal: AbortSignal) =>
    createAppender({ ...events, topic: deadLettersTopic, signal })
  const changing = changingPorts(context, environment, events)
  const probes = probeLog(context, events)
  return startWriter(context, {
    consumer,
    database,
    openDeadLetters,
    ...(changing && { changing }),
    ...(probes && { probes }),
  })
}

function probeLog(context: RoleContext, events: TopicOptions): LogReader | undefined {
  const topic = context.settings.probe?.topic
  if (topic === undefined) return undefined
  const log = createLogReader({ ...events, topic })
  context.onClose('the log of probes', () => log.close())
  return log
}

function changingPorts(
  context: RoleContext,
  environment: Environment,
  events: TopicOptions,
): ChangingPorts | undefined {
  const { changesTopic } = context.settings.log
  if (changesTopic === undefined) return undefined
  return {
    cache: sharedCache(context, environment),
    openChanges: signal => createAppender({ ...events, topic: changesTopic, signal }),
  }
}
