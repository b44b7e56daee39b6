/**
 * Secrets that the operator makes once and never changes: they are immutable, created by POST, and outlive the
 * DataService together with the volumes that they open.
 */
import type { V1Secret } from '@kubernetes/client-node'
import { credentialKeys } from '#dataservice/contract/names.ts'
import { type Child, retainedMetadata } from './labels.ts'
import { credentialsName, identityName } from './names.ts'
import type { Target } from './target.ts'

/** Keys of `NAME-identity`. */
export const identityKeys = {
  kafkaClusterId: 'kafka-cluster-id',
  /** One for each node of a quorum of three; a single node does not use them, a later growth will. */
  kafkaDirectoryIds: ['kafka-directory-id-0', 'kafka-directory-id-1', 'kafka-directory-id-2'],
  postgresMajor: 'postgres-major',
} as const

/** The major version of a managed Postgres; pinned at creation. */
export const postgresMajor = '17'

/** Who the engines are: a volume that belongs to another identity is refused by its start script. */
export function identitySecret({ owner, fresh }: Target): Child<V1Secret> {
  return secret(retainedMetadata(owner, identityName(owner.metadata.name), 'identity'), {
    [identityKeys.kafkaClusterId]: fresh.kafkaId(identityKeys.kafkaClusterId),
    ...Object.fromEntries(identityKeys.kafkaDirectoryIds.map(key => [key, fresh.kafkaId(key)])),
    [identityKeys.postgresMajor]: postgresMajor,
  })
}

/** Passwords of the engines' users, and the key that signs page cursors. */
export function credentialsSecret({ owner, fresh }: Target): Child<V1Secret> {
  const values = Object.values(credentialKeys).map(key => [key, fresh.password(key)] as const)
  return secret(
    retainedMetadata(owner, credentialsName(owner.metadata.name), 'credentials'),
    Object.fromEntries(values),
  )
}

function secret(metadata: Child['metadata'], stringData: Record<string, string>): Child<V1Secret> {
  return { apiVersion: 'v1', kind: 'Secret', metadata, type: 'Opaque', immutable: true, stringData }
}
