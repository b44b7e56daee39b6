/** Names of the children of one DataService. Users and dashboards rely on them; nothing else spells a name. */

import type { LoginSet } from '#dataservice/contract/names.ts'

/** Parts that run pods of their own for as long as the service exists. */
export const parts = ['gateway', 'writer', 'reader', 'kafka', 'postgres', 'redis'] as const
export type Part = (typeof parts)[number]

/** The stateless parts: one Deployment each, all from the product's own image. */
export const deployedParts = ['gateway', 'writer', 'reader'] as const
export type DeployedPart = (typeof deployedParts)[number]

/** The stateful parts: one StatefulSet each. */
export const engineParts = ['kafka', 'postgres', 'redis'] as const
export type EnginePart = (typeof engineParts)[number]

/** The engines that keep data in volumes. */
export const dataParts = ['kafka', 'postgres'] as const satisfies readonly EnginePart[]
export type DataPart = (typeof dataParts)[number]

/** `orders-gateway`: Deployment or StatefulSet, Service, ServiceAccount and PodDisruptionBudget of a part. */
export const partName = (owner: string, part: Part | 'jobs' | 'backup'): string => `${owner}-${part}`

export const settingsName = (owner: string): string => `${owner}-settings`
/** Start script and configuration of an engine. */
export const engineConfigName = (owner: string, part: EnginePart): string => `${owner}-${part}-config`
export const identityName = (owner: string): string => `${owner}-identity`
export const credentialsName = (owner: string): string => `${owner}-credentials`
/** Passwords of one of the two sets of users that take turns, of any turn but the first. */
export const passwordsName = (owner: string, set: LoginSet): string => `${owner}-passwords-${set}`
export const postgresPod = (owner: string, ordinal: number): string =>
  `${partName(owner, 'postgres')}-${ordinal}`
/** The Secret that lets a consumer in. */
export const bindingName = (owner: string, consumer: string): string => `${owner}-binding-${consumer}`
/** `orders-consumer-billing`: its KafkaUser where Strimzi runs Kafka, and as whom it logs in then. */
export const consumerUserName = (owner: string, consumer: string): string => `${owner}-consumer-${consumer}`
/** The Service that always points at the Postgres that accepts writes. */
export const postgresPrimaryName = (owner: string): string => `${owner}-postgres-rw`
/** The Service that points at the streaming replicas. */
export const postgresReplicaName = (owner: string): string => `${owner}-postgres-ro`
/** `orders-events`: the KafkaTopic of a topic. */
export const kafkaTopicName = (owner: string, topic: string): string => `${owner}-${topic}`
/** Secrets that CloudNativePG makes for its Cluster `NAME-postgres`: the owner of the database, and its authority. */
export const delegatedSecrets = (owner: string) => ({
  access: `${partName(owner, 'postgres')}-app`,
  authority: `${partName(owner, 'postgres')}-ca`,
})
export const migratePrefix = (owner: string): string => `${owner}-migrate-`
export const migrateName = (owner: string, hash: string): string => `${migratePrefix(owner)}${hash}`
/** The Job that takes away what is at engines of others, and its ConfigMap: of one life of a name, as nothing owns them. */
export const removeName = ({ name, uid }: { name: string; uid: string }): string =>
  `${name}-remove-${uid.slice(0, 8)}`
/** The Job that sees those shut out whose turn is over. */
export const retireName = (owner: string, turn: number): string => `${owner}-retire-${turn}`
export const maintainName = (owner: string): string => `${owner}-maintain`

/** StatefulSet and CronJob of backups. */
export const backupName = (owner: string): string => `${owner}-backup`
/** StatefulSet that copies them to an object store. */
export const mirrorName = (owner: string): string => `${backupName(owner)}-s3`
export const backupConfigName = (owner: string): string => `${owner}-backup-config`
/** The volume of the first pod of a StatefulSet of ours. */
export const claimName = (set: string): string => `data-${set}-0`
/** Job of a DataServiceOperation; a uid has nothing but what a name may have. */
export const operationJobName = (owner: string, uid: string): string => `${owner}-op-${uid.slice(0, 13)}`

/** DNS name of a Service as pods of any namespace reach it. */
export const serviceHost = (service: string, namespace: string): string => `${service}.${namespace}.svc`

/** DNS name of one pod of a StatefulSet behind its headless Service of the same name. */
export const podHost = (set: string, ordinal: number, namespace: string): string =>
  `${set}-${ordinal}.${serviceHost(set, namespace)}`
