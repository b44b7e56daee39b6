/**
 * Secrets that the operator makes once and never changes: they are created by POST, and outlive the DataService together with
 * the volumes that they open. All but those of later turns of passwords are immutable.
 */
import type { V1Secret } from '@kubernetes/client-node'
import { credentialKeys, loginSetOf } from '#dataservice/contract/names.ts'
import { type Child, retainedMetadata } from './labels.ts'
import { credentialsName, identityName, passwordsName } from './names.ts'
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

/** Keys of `NAME-credentials` by which users of Postgres log in; each set of users has its own. */
export const loginKeys = {
  owner: credentialKeys.owner,
  writer: credentialKeys.writer,
  reader: credentialKeys.reader,
} as const

/** Those of which later turns have others: also of users whose name stays, and who get another password in place. */
export const turnedKeys = {
  ...loginKeys,
  replication: credentialKeys.replication,
  redis: credentialKeys.redis,
} as const

/** Key of `NAME-passwords-N` beside them: which turn it is of. */
export const turnKey = 'turn'

/** The Secret in which the passwords of a turn stand. */
export const passwordsOf = (owner: string, turn: number): string =>
  turn === 1 ? credentialsName(owner) : passwordsName(owner, loginSetOf(turn))

/**
 * Of the turns that are open, without the first. They come and go while Postgres runs, whose pods follow them by their
 * names; a kubelet stops looking at one that is immutable.
 */
export const passwordsSecrets = ({ owner, passwords, fresh }: Target): Child<V1Secret>[] =>
  passwords.open
    .filter(turn => turn > 1)
    .map(turn => ({
      apiVersion: 'v1',
      kind: 'Secret',
      metadata: retainedMetadata(owner, passwordsOf(owner.metadata.name, turn), 'credentials'),
      type: 'Opaque',
      stringData: {
        [turnKey]: String(turn),
        ...Object.fromEntries(Object.values(turnedKeys).map(key => [key, fresh.password(key)])),
      },
    }))

function secret(metadata: Child['metadata'], stringData: Record<string, string>): Child<V1Secret> {
  return { apiVersion: 'v1', kind: 'Secret', metadata, type: 'Opaque', immutable: true, stringData }
}
