/** The writer's adapters. */
import type { Environment } from '#dataservice/platform/environment.ts'
import { createAppender } from '#dataservice/platform/kafka/appender.ts'
import { createConsumer } from '#dataservice/platform/kafka/consumer.ts'
import { createLogReader } from '#dataservice/platform/kafka/log-reader.ts'
import type { LogReader } from '#dataservice/platform/kafka/port.ts'
import type { RoleContext, Running } from '#dataservice/platform/lifecycle.ts'
import { type ChangingPorts, start as startWriter } from '#dataservice/writer/role.ts'
import { sharedCache } from './cache.ts'
import { topicOptions } from './log.ts'
import { connectTo } from './store.ts'

export async function start(context: RoleContext, environment: Environment): Promise<Running> {
  const { primary: address, poolSize } = context.settings.store
  const database = connectTo({ address, user: 'writer', poolSize: poolSize.writer }, context, environment)
  const consumer = createConsumer({ ...topicOptions(context), group: context.settings.log.group })
  const { deadLettersTopic } = context.settings.log
  const openDeadLetters = (signal: AbortSignal) => openTopic(context, deadLettersTopic, signal)
  const changing = changingPorts(context, environment)
  const probes = probeLog(context)
  return startWriter(context, {
    consumer,
    database,
    openDeadLetters,
    ...(changing && { changing }),
    ...(probes && { probes }),
  })
}

function probeLog(context: RoleContext): LogReader | undefined {
  const topic = context.settings.probe?.topic
  if (topic === undefined) return undefined
  const log = createLogReader({ ...topicOptions(context), topic })
  context.onClose('the log of probes', () => log.close())
  return log
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
