/** Asks Kafka: what it answers is a fact like any other, and so is that it does not. */
import { eventsTopic, writerGroup } from '#dataservice/contract/names.ts'
import { hasConsumers, usersPrefix } from '#operator/desired/consumers.ts'
import { desiredTopics } from '#operator/desired/kafka-topics.ts'
import { partName } from '#operator/desired/names.ts'
import type { ReadinessPort } from '#operator/pods/port.ts'
import { type TopicsPort, TopicsUnavailable } from '#operator/topics/port.ts'
import type { AccessFacts, Facts, FlushFacts, LogFacts, RoomFacts, TopicFacts } from './facts.ts'
import { isFlushAsked, seenFlush } from './lifecycle/flush.ts'
import { answers } from './progress.ts'
import { isGrowing, logAddress, outdatedBrokers, readyBrokers } from './restart-broker.ts'

export interface LogPorts {
  topics: Pick<TopicsPort, 'describe' | 'health' | 'room' | 'ends' | 'access'>
  readiness: ReadinessPort
}

export async function flushFacts(
  known: Pick<Facts, 'owner' | 'target' | 'pods' | 'children'>,
  ports: LogPorts,
): Promise<FlushFacts> {
  if (!isFlushAsked(known)) return { kind: 'notAsked' }
  return orUnreachable(() => seenFlush(known, ports))
}

export async function topicFacts(
  known: Pick<Facts, 'owner' | 'target' | 'pods'>,
  ports: LogPorts,
): Promise<TopicFacts> {
  const { owner, target } = known
  const kafka = target.observed('StatefulSet', partName(owner.metadata.name, 'kafka'))
  if (!answers(kafka)) return { kind: 'notAsked' }
  const names = topicsOf(known).map(topic => topic.name)
  return orUnreachable(async () => ({
    kind: 'described',
    topics: await ports.topics.describe(logAddress(known), names),
  }))
}

export async function logFacts(
  known: Pick<Facts, 'owner' | 'target' | 'pods' | 'children'>,
  ports: LogPorts,
): Promise<LogFacts> {
  const isWhole = outdatedBrokers(known).length === 0 && !isGrowing(known.target)
  if (isWhole || readyBrokers(known) === 0) return { kind: 'notAsked' }
  return orUnreachable(async () => ({
    kind: 'seen',
    health: await ports.topics.health(logAddress(known), known.target.effective.topic.replicationFactor),
  }))
}

/** Asked as often as the topics are described: at rest once in the time in which their drift is looked for. */
export async function roomFacts(
  known: Pick<Facts, 'owner' | 'target' | 'pods'>,
  described: TopicFacts,
  { topics }: LogPorts,
): Promise<RoomFacts> {
  const { metadata } = known.owner
  const { topic } = known.target.effective
  const events = eventsTopic(metadata)
  if (described.kind !== 'described') return described
  if (!described.topics.some(({ name }) => name === events)) return { kind: 'notAsked' }
  const question = { topic: events, group: writerGroup(metadata), retentionMs: topic.retentionMs }
  return orUnreachable(async () => ({
    kind: 'seen',
    room: await topics.room(logAddress(known), question),
  }))
}

export async function accessFacts(
  known: Pick<Facts, 'owner' | 'target' | 'pods'>,
  described: TopicFacts,
  { topics }: LogPorts,
): Promise<AccessFacts> {
  if (!hasConsumers(known.target)) return { kind: 'notAsked' }
  if (described.kind !== 'described') return described
  return orUnreachable(async () => {
    const access = await topics.access(logAddress(known), usersPrefix(known.owner))
    return access === undefined ? { kind: 'notAsked' } : { kind: 'seen', access }
  })
}

/** That Kafka does not answer is a fact like any other; what else goes wrong ends the run. */
async function orUnreachable<Answer>(
  ask: () => Promise<Answer>,
): Promise<Answer | { kind: 'unreachable'; message: string }> {
  try {
    return await ask()
  } catch (error) {
    if (error instanceof TopicsUnavailable) return { kind: 'unreachable', message: error.message }
    throw error
  }
}

const topicsOf = ({ owner, target }: Pick<Facts, 'owner' | 'target'>) =>
  desiredTopics(owner, target.effective)
