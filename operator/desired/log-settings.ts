/** Where the log is, and what of it is ours. */
import type { DataService } from '#crds/v1alpha1/resource.ts'
import {
  changesTopic,
  deadLettersTopic,
  eventsTopic,
  ports,
  writerGroup,
} from '#dataservice/contract/names.ts'
import type { Settings } from '#dataservice/contract/settings.ts'
import type { Effective } from './effective.ts'
import { desiredTopics, logKey } from './kafka-topics.ts'
import { partName, podHost } from './names.ts'

export function logOf(owner: DataService, effective: Effective): Settings['log'] {
  const key = logKey(owner, effective)
  const { brokers, kafka, topic } = effective
  return {
    brokers: kafka?.bootstrapServers ?? bootstrapServers(owner, brokers),
    eventsTopic: eventsTopic(key),
    deadLettersTopic: deadLettersTopic(key),
    ...(owner.spec.record.mode === 'Upsert' && { changesTopic: changesTopic(key) }),
    group: writerGroup(key),
    partitions: topic.partitions,
    retentionMs: topic.retentionMs,
    ...(kafka && { others: othersOf(owner, effective, kafka) }),
  }
}

/** Addresses of our own brokers as pods reach them; clients are told the same names. */
export function bootstrapServers(owner: DataService, brokers: number, port: number = ports.kafka): string[] {
  const { name, namespace } = owner.metadata
  return Array.from(
    { length: brokers },
    (_, ordinal) => `${podHost(partName(name, 'kafka'), ordinal, namespace)}:${port}`,
  )
}

/** The topics stand in the settings, so that others of them are another migration. */
function othersOf(
  owner: DataService,
  effective: Effective,
  { scram, tls, topics }: NonNullable<Effective['kafka']>,
): NonNullable<Settings['log']['others']> {
  return {
    ...(scram && { mechanism: scram.mechanism }),
    ...(effective.strimzi && { username: effective.strimzi.user }),
    ...(tls && {
      tls: {
        ownAuthority: tls.caSecretRef !== undefined,
        identity: tls.clientCertificateRef !== undefined,
      },
    }),
    topics,
    wanted: desiredTopics(owner, effective),
  }
}
