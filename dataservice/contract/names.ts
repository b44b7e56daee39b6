/**
 * Names, ports and paths that the operator and the pods agree on.
 * Users, dashboards and tests rely on them too; this is the only place that spells them.
 */

/** The namespace and name of one DataService. */
export interface ServiceKey {
  namespace: string
  name: string
}

/** What one process of the data plane does; the first argument of its program. */
export const roles = ['gateway', 'writer', 'reader', 'migrate', 'maintain', 'remove', 'retire'] as const
export type Role = (typeof roles)[number]

/**
 * MiB for young objects, which may be taken three times. Records live for some milliseconds: with the 16 MiB that Node
 * starts with many of them are still in use at the next collection, and are copied. Gateway and reader have their bodies
 * in memory beside it, and must stay below the 512 MiB of a pod when nothing is passed on (`npm run chaos -- overload`).
 */
const youngMiB: Readonly<Record<Role, number>> = {
  gateway: 32,
  reader: 32,
  writer: 64,
  migrate: 64,
  maintain: 64,
  remove: 64,
  retire: 16,
}

/** How Node runs a role. */
export const nodeFlags = (role: Role): readonly string[] => [`--max-semi-space-size=${youngMiB[role]}`]

export const ports = {
  /** HTTP of gateway and reader. */
  http: 8080,
  /** HTTP over TLS of gateways, for readers with probe records; only where hops are encrypted. */
  inner: 8443,
  /** `/metrics`, `/livez` and `/readyz` of every pod of ours. */
  telemetry: 9090,
  kafka: 9092,
  kafkaController: 9093,
  /** Of Kafka, for programs of others; only where there are any. */
  kafkaConsumers: 9094,
  postgres: 5432,
  redis: 6379,
} as const

export const probePaths = {
  live: '/livez',
  ready: '/readyz',
  metrics: '/metrics',
  /** What writers have stored (`writer-progress.ts`), and what readers saw of probes (`end-to-end.ts`). */
  progress: '/progress',
} as const

/** Where a pod finds its files; the environment variable of the same line moves it (for processes outside a pod). */
export const mounts = {
  settings: { path: '/etc/dataservice/settings/settings.json', variable: 'DATASERVICE_SETTINGS' },
  credentials: { path: '/etc/dataservice/credentials', variable: 'DATASERVICE_CREDENTIALS' },
  /** A folder: the Secret with the hashes of API keys. */
  apiKeys: { path: '/etc/dataservice/api-keys', variable: 'DATASERVICE_API_KEYS' },
  /** The public keys of an issuer, where they come from a Secret. */
  keySet: { path: '/etc/dataservice/key-set/jwks.json', variable: 'DATASERVICE_KEY_SET' },
  /** A folder: the Secret with name and password for a Redis that others run (`accessFiles`). */
  redisAccess: { path: '/etc/dataservice/redis', variable: 'DATASERVICE_REDIS_ACCESS' },
  /** Certificates of the authority that signed the one of that Redis. */
  redisAuthority: {
    path: '/etc/dataservice/redis-authority/ca.crt',
    variable: 'DATASERVICE_REDIS_AUTHORITY',
  },
  /** A folder: the Secret with name and password for a Kafka that others run. */
  kafkaAccess: { path: '/etc/dataservice/kafka', variable: 'DATASERVICE_KAFKA_ACCESS' },
  /** Certificates of the authority that signed those of its brokers. */
  kafkaAuthority: {
    path: '/etc/dataservice/kafka-authority/ca.crt',
    variable: 'DATASERVICE_KAFKA_AUTHORITY',
  },
  /** A folder: the certificate that such a Kafka is shown, as `certificateFiles` without the authority. */
  kafkaIdentity: { path: '/etc/dataservice/kafka-certificate', variable: 'DATASERVICE_KAFKA_CERTIFICATE' },
  /** A folder: the Secret with name and password for a Postgres that others run; only the migration has it. */
  postgresAccess: { path: '/etc/dataservice/postgres', variable: 'DATASERVICE_POSTGRES_ACCESS' },
  /** Certificates of the authority that signed the one of that Postgres. */
  postgresAuthority: {
    path: '/etc/dataservice/postgres-authority/ca.crt',
    variable: 'DATASERVICE_POSTGRES_AUTHORITY',
  },
  /** The volume of backups. */
  backups: { path: '/var/lib/postgresql/backup', variable: 'DATASERVICE_BACKUPS' },
  /** What the pods know that bring backups to an object store; `mirror.ts`. */
  mirrorSettings: { path: '/etc/dataservice/mirror/mirror.json', variable: 'DATASERVICE_MIRROR_SETTINGS' },
  /** A folder: the Secret with the keys for that store. */
  storeAccess: { path: '/etc/dataservice/s3', variable: 'DATASERVICE_STORE_ACCESS' },
  /** Certificates of the authority that signed the one of that store. */
  storeAuthority: {
    path: '/etc/dataservice/s3-authority/ca.crt',
    variable: 'DATASERVICE_STORE_AUTHORITY',
  },
  /** A folder: what the pod shows and trusts where hops are encrypted (`certificateFiles`). */
  certificates: { path: '/etc/dataservice/certificates', variable: 'DATASERVICE_CERTIFICATES' },
} as const

/** Files in the certificates folder of a pod, all PEM. */
export const certificateFiles = {
  /** The authorities that signed everybody's certificates: two while one takes over from the other. */
  authority: 'ca.crt',
  certificate: 'tls.crt',
  key: 'tls.key',
} as const

/** Files in the credentials folder of a pod. A pod holds only those of its own role. */
export const credentialFiles = {
  /** Password of the pod's own Postgres role. */
  postgresPassword: 'postgres-password',
  redisPassword: 'redis-password',
  /** Of the other roles; only a migration that makes them on a Postgres of others has these. */
  writerPassword: 'postgres-writer-password',
  readerPassword: 'postgres-reader-password',
  /**
   * 32 random bytes in hex that sign page cursors (reader) and consistency tokens (gateway, reader); the key between
   * gateway and reader comes from them.
   */
  cursorKey: 'cursor-key',
} as const

/** Entries of a Secret of the user that opens an engine of somebody else. */
export const accessFiles = { username: 'username', password: 'password' } as const

/** Keys of the Secret `NAME-credentials`; the operator projects them to `credentialFiles`. */
export const credentialKeys = {
  owner: 'postgres-owner-password',
  writer: 'postgres-writer-password',
  reader: 'postgres-reader-password',
  replication: 'postgres-replication-password',
  redis: 'redis-password',
  cursor: 'cursor-key',
} as const

/** The database of a managed Postgres, its schema, and its roles. */
export const database = {
  name: 'dataservice',
  schema: 'dataservice',
  users: { owner: 'dataservice_owner', writer: 'dataservice_writer', reader: 'dataservice_reader' },
  /** Streams the log to the replicas; reads no table. */
  replication: 'dataservice_replication',
} as const

/**
 * Users of a managed Postgres take turns, so that the old and the new passwords open it side by side while pods move from the
 * one to the other. Odd turns have the names of `database.users`; even ones have second names, and become those when they
 * log in, so that all that is owned, granted or asked about stays with the first names.
 */
export const loginSets = [1, 2] as const
export type LoginSet = (typeof loginSets)[number]

export const loginSetOf = (turn: number): LoginSet => (turn % 2 === 1 ? 1 : 2)

/** As whom one of the users logs in. */
export const loginOf = (user: string, set: LoginSet): string => (set === 1 ? user : `${user}_2`)

/** Tells a pod of ours of which turn its passwords are; absent: the first. */
export const turnVariable = 'DATASERVICE_TURN'

export const eventsTopic = ({ namespace, name }: ServiceKey): string => `${namespace}.${name}.events`
export const deadLettersTopic = ({ namespace, name }: ServiceKey): string =>
  `${namespace}.${name}.dead-letters`
/** Of records that only tell whether the service works. */
export const probeTopic = ({ namespace, name }: ServiceKey): string => `${namespace}.${name}.probe`
/** Only where records change. */
export const changesTopic = ({ namespace, name }: ServiceKey): string => `${namespace}.${name}.changes`
export const writerGroup = ({ namespace, name }: ServiceKey): string => `${namespace}.${name}.writer`
