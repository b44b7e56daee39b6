/** What Strimzi is asked for: a KafkaTopic for each topic, and the KafkaUser as whom our pods log in. */
import { eventsTopic } from '#dataservice/contract/names.ts'
import { bindingKeys, consumersOf, type Right, rightsOf } from './consumers.ts'
import { deletionPolicyOf } from './deletion-policy.ts'
import { desiredTopics, logKey, type Topic } from './kafka-topics.ts'
import { kindsOfOthers } from './kinds-of-others.ts'
import { type Child, type ChildMetadata, ownedMetadata, retainedMetadata } from './labels.ts'
import { bindingName, consumerUserName, kafkaTopicName } from './names.ts'
import type { ObservedChild, Target } from './target.ts'

type Named = Child<{ spec: Record<string, unknown> }>

/** By it Strimzi knows which Kafka is meant. */
const clusterLabel = 'strimzi.io/cluster'

const labelled = (metadata: ChildMetadata, cluster: string): ChildMetadata => ({
  ...metadata,
  labels: { ...metadata.labels, [clusterLabel]: cluster },
})

/** Those that are to outlive their DataService have no owner: with a KafkaTopic Strimzi deletes the topic. */
export function kafkaTopics(target: Target): Named[] {
  const { owner, effective } = target
  const { strimzi } = effective
  if (strimzi === undefined) return []
  const metadataOf = deletionPolicyOf(owner.spec, 'kafka') === 'Retain' ? retainedMetadata : ownedMetadata
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
  authentication: {
    type: 'scram-sha-512'
    /** Default: Strimzi makes one. */
    password?: { valueFrom: { secretKeyRef: { name: string; key: string } } }
  }
  authorization: {
    type: 'simple'
    acls: {
      resource: { type: 'topic' | 'group'; name: string; patternType: 'prefix' | 'literal' }
      operations: ('Read' | 'Write' | 'Describe' | 'DescribeConfigs')[]
    }[]
  }
}

type KafkaUser = Child<{ spec: KafkaUserSpec }>

/** It may do what is needed under the prefix of this DataService, and nothing else. */
export function kafkaUser(target: Target): KafkaUser | undefined {
  const { strimzi } = target.effective
  if (strimzi === undefined) return undefined
  const resource = (type: 'topic' | 'group') =>
    ({ type, name: prefixOf(target), patternType: 'prefix' }) as const
  return user(target, strimzi.user, {
    authentication: { type: 'scram-sha-512' },
    authorization: {
      type: 'simple',
      acls: [
        { resource: resource('topic'), operations: ['Read', 'Write', 'Describe', 'DescribeConfigs'] },
        { resource: resource('group'), operations: ['Read', 'Describe'] },
      ],
    },
  })
}

/** Each logs in with the password of its Secret, which the operator makes. */
export function consumerUsers(target: Target): KafkaUser[] {
  const { owner, effective } = target
  if (effective.strimzi === undefined) return []
  const { name } = owner.metadata
  return consumersOf(target).map(consumer => {
    const secretKeyRef = { name: bindingName(name, consumer), key: bindingKeys.password }
    return user(target, consumerUserName(name, consumer), {
      authentication: { type: 'scram-sha-512', password: { valueFrom: { secretKeyRef } } },
      authorization: { type: 'simple', acls: rightsOf(target, consumer).map(readable) },
    })
  })
}

/** In the words of Strimzi. */
const readable = ({ resource, name, pattern }: Right): KafkaUserSpec['authorization']['acls'][number] => ({
  resource: {
    type: resource === 'TOPIC' ? 'topic' : 'group',
    name,
    patternType: pattern === 'PREFIXED' ? 'prefix' : 'literal',
  },
  operations: ['Read'],
})

const user = ({ owner, effective }: Target, name: string, spec: KafkaUserSpec): KafkaUser => ({
  apiVersion: kindsOfOthers.KafkaUser.apiVersion,
  kind: 'KafkaUser',
  metadata: labelled(ownedMetadata(owner, name, 'kafka'), effective.strimzi?.cluster ?? ''),
  spec,
})

/** `shop.orders.`: what all names of one DataService begin with. */
const prefixOf = ({ owner, effective }: Target): string =>
  eventsTopic(logKey(owner, effective)).replace(/events$/, '')
