/** What Strimzi is asked for: a KafkaTopic for each topic, and the KafkaUser as whom our pods log in. */
import { eventsTopic } from '#dataservice/contract/names.ts'
import { desiredTopics, logKey, type Topic } from './kafka-topics.ts'
import { kindsOfOthers } from './kinds-of-others.ts'
import { type Child, type ChildMetadata, ownedMetadata, retainedMetadata } from './labels.ts'
import { kafkaTopicName } from './names.ts'
import type { ObservedChild, Target } from './target.ts'

type Named = Child<{ spec: Record<string, unknown> }>

/** By it Strimzi knows which Kafka is meant. */
export const clusterLabel = 'strimzi.io/cluster'

const labelled = (metadata: ChildMetadata, cluster: string): ChildMetadata => ({
  ...metadata,
  labels: { ...metadata.labels, [clusterLabel]: cluster },
})

/** Those that are to outlive their DataService have no owner: with a KafkaTopic Strimzi deletes the topic. */
export function kafkaTopics(target: Target): Named[] {
  const { owner, effective } = target
  const { strimzi } = effective
  if (strimzi === undefined) return []
  const metadataOf = owner.spec.deletionPolicy === 'Retain' ? retainedMetadata : ownedMetadata
  const prefix = prefixOf(target)
  return desiredTopics(owner, effective).map(topic => {
    const name = kafkaTopicName(owner.metadata.name, topic.name.slice(prefix.length))
    return {
      apiVersion: kindsOfOthers.KafkaTopic.apiVersion,
      kind: 'KafkaTopic',
      metadata: labelled(metadataOf(owner, name, 'kafka'), strimzi.cluster),
      spec: {
        topicName: topic.name,
        partitions: partitionsOf(topic, target.observed('KafkaTopic', name)),
        replicas: topic.replicationFactor,
        config: topic.config,
      },
    }
  })
}

/** They never decrease, whoever added some. */
function partitionsOf({ partitions }: Topic, observed: ObservedChild | undefined): number {
  const present = observed?.spec?.['partitions']
  return typeof present === 'number' ? Math.max(present, partitions) : partitions
}

interface KafkaUserSpec {
  authentication: { type: 'scram-sha-512' }
  authorization: {
    type: 'simple'
    acls: {
      resource: { type: 'topic' | 'group'; name: string; patternType: 'prefix' }
      operations: ('Read' | 'Write' | 'Describe' | 'DescribeConfigs')[]
    }[]
  }
}

/** It may do what is needed under the prefix of this DataService, and nothing else. */
export function kafkaUser(target: Target): Child<{ spec: KafkaUserSpec }> | undefined {
  const { owner, effective } = target
  const { strimzi } = effective
  if (strimzi === undefined) return undefined
  const resource = (type: 'topic' | 'group') =>
    ({ type, name: prefixOf(target), patternType: 'prefix' }) as const
  return {
    apiVersion: kindsOfOthers.KafkaUser.apiVersion,
    kind: 'KafkaUser',
    metadata: labelled(ownedMetadata(owner, strimzi.user, 'kafka'), strimzi.cluster),
    spec: {
      authentication: { type: 'scram-sha-512' },
      authorization: {
        type: 'simple',
        acls: [
          { resource: resource('topic'), operations: ['Read', 'Write', 'Describe', 'DescribeConfigs'] },
          { resource: resource('group'), operations: ['Read', 'Describe'] },
        ],
      },
    },
  }
}

/** `shop.orders.`: what all names of one DataService begin with. */
const prefixOf = ({ owner, effective }: Target): string =>
  eventsTopic(logKey(owner, effective)).replace(/events$/, '')
