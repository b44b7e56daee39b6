/** The topics of one DataService, and what has to change about observed ones. */

import type { DataService } from '#crds/v1alpha1/resource.ts'
import {
  changesTopic,
  deadLettersTopic,
  eventsTopic,
  probeTopic,
  type ServiceKey,
} from '#dataservice/contract/names.ts'
import type { Effective } from './effective.ts'

export interface Topic {
  name: string
  partitions: number
  replicationFactor: number
  /** Only the settings that we set; everything else is the broker's. */
  config: Record<string, string>
}

/** A topic as the brokers describe it; `config` has the values in force. */
export interface ObservedTopic {
  name: string
  partitions: number
  /** Replicas in sync, of the partition that has the fewest. */
  inSync: number
  config: Record<string, string>
}

export type TopicChange =
  | { change: 'create'; topic: Topic }
  | { change: 'grow'; name: string; partitions: number }
  | { change: 'configure'; name: string; config: Record<string, string> }

const probesKeptMs = '3600000'

/** The largest batch that the gateway sends (1 MiB) with the 12 bytes that Kafka counts on top. */
const maxMessageBytes = String(1_048_588)

/**
 * What topics and the group are named after: on a Kafka of others two clusters are told apart by their `scopePrefix`. No
 * namespace has a dot, so none is taken for a prefix.
 */
export function logKey(
  { metadata: { namespace, name } }: DataService,
  { kafka, scopePrefix }: Pick<Effective, 'kafka' | 'scopePrefix'>,
): ServiceKey {
  const isScoped = kafka !== undefined && scopePrefix !== undefined
  return { namespace: isScoped ? `${scopePrefix}.${namespace}` : namespace, name }
}

export function desiredTopics(owner: DataService, effective: Effective): Topic[] {
  const { spec } = owner
  const { topic } = effective
  const key = logKey(owner, effective)

  const config = {
    'cleanup.policy': 'delete',
    'retention.ms': String(topic.retentionMs),
    'max.message.bytes': maxMessageBytes,
    'min.insync.replicas': topic.replicationFactor >= 3 ? '2' : '1',
    'unclean.leader.election.enable': 'false',
  }
  const { replicationFactor, partitions } = topic
  const named = (name: string, count: number): Topic => ({
    name,
    partitions: count,
    replicationFactor,
    config,
  })
  return [
    named(eventsTopic(key), partitions),
    named(deadLettersTopic(key), 1),
    // One partition on each broker, so that each of them is probed.
    {
      ...named(probeTopic(key), replicationFactor),
      config: { ...config, 'retention.ms': probesKeptMs },
    },
    ...(spec.record.mode === 'Upsert' ? [named(changesTopic(key), partitions)] : []),
  ]
}

/** The changes that lead from the observed topics to the wanted ones. Partitions never decrease. */
export function topicChanges(wanted: readonly Topic[], observed: readonly ObservedTopic[]): TopicChange[] {
  const byName = new Map(observed.map(topic => [topic.name, topic]))
  return wanted.flatMap((topic): TopicChange[] => {
    const found = byName.get(topic.name)
    if (found === undefined) return [{ change: 'create', topic }]
    const config = bearable(topic, found)
    const differing = Object.entries(config).some(([key, value]) => found.config[key] !== value)
    return [
      ...(found.partitions < topic.partitions
        ? [{ change: 'grow' as const, name: topic.name, partitions: topic.partitions }]
        : []),
      ...(differing ? [{ change: 'configure' as const, name: topic.name, config }] : []),
    ]
  })
}

/** Whether a topic that is there has a partition with fewer replicas in sync than it should have. */
export const lacksReplicas = (desired: readonly Topic[], observed: readonly ObservedTopic[]): boolean =>
  desired.some(topic =>
    observed.some(({ name, inSync }) => name === topic.name && inSync < topic.replicationFactor),
  )

const fewest = 'min.insync.replicas'

/** While a log grows from one broker to three, its topics do not have the replicas yet that they should ask for. */
function bearable({ replicationFactor, config }: Topic, { inSync, config: found }: ObservedTopic) {
  const isThin = inSync < replicationFactor && found[fewest] === '1'
  return isThin ? { ...config, [fewest]: '1' } : config
}
