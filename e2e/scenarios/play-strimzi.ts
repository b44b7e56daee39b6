/** Plays the operators of Strimzi: topics and rights come to a Kafka as KafkaTopics and KafkaUsers ask for them. */
import kafkajs, { type Admin } from 'kafkajs'
import { consumerUsers, kafkaTopics, kafkaUser } from '#operator/desired/strimzi.ts'
import type { Target } from '#operator/desired/target.ts'

const { AclOperationTypes, AclPermissionTypes, AclResourceTypes, ResourcePatternTypes } = kafkajs

/** Users themselves, with their passwords, are the caller's. */
export async function playStrimzi(target: Target, admin: Admin): Promise<void> {
  await admin.createTopics({
    topics: kafkaTopics(target).map(({ spec }) => ({
      topic: String(spec['topicName']),
      numPartitions: Number(spec['partitions']),
      replicationFactor: Number(spec['replicas']),
      configEntries: Object.entries(spec['config'] ?? {}).map(([name, value]) => ({
        name,
        value: String(value),
      })),
    })),
  })
  const own = kafkaUser(target)
  const users = [...(own ? [own] : []), ...consumerUsers(target)]
  const acl = users.flatMap(({ metadata, spec }) =>
    spec.authorization.acls.flatMap(({ resource, operations }) =>
      operations.map(operation => ({
        resourceType: resource.type === 'topic' ? AclResourceTypes.TOPIC : AclResourceTypes.GROUP,
        resourceName: resource.name,
        resourcePatternType: patterns[resource.patternType],
        principal: `User:${metadata.name}`,
        host: '*',
        operation: AclOperationTypes[kafkajsNames[operation]],
        permissionType: AclPermissionTypes.ALLOW,
      })),
    ),
  )
  await admin.createAcls({ acl })
}

const patterns = { prefix: ResourcePatternTypes.PREFIXED, literal: ResourcePatternTypes.LITERAL } as const

const kafkajsNames = {
  Read: 'READ',
  Write: 'WRITE',
  Describe: 'DESCRIBE',
  DescribeConfigs: 'DESCRIBE_CONFIGS',
} as const
