/** Which Secrets of the user each of our programs mounts, and which of them use Redis. */
import type { DataServiceSpec } from '#crds/v1alpha1/spec.ts'
import { mounts } from '#dataservice/contract/names.ts'
import type { Effective } from './effective.ts'
import { removesSchema, removesTopics } from './elsewhere.ts'
import { callerSecrets } from './gateway-rules.ts'
import { type MountedSecret, mountedSecret } from './mounted-secret.ts'
import { type DeployedPart, partName } from './names.ts'
import type { Program } from './pod.ts'
import type { Target } from './target.ts'

export const usesRedis: Readonly<Record<DeployedPart, (spec: DataServiceSpec) => boolean>> = {
  /** It counts the requests of its callers. */
  gateway: ({ gateway }) => gateway.rateLimit !== undefined,
  /** It tells readers of records that change. */
  writer: ({ record }) => record.mode === 'Upsert',
  reader: () => true,
}

type Known = Pick<Target, 'owner' | 'effective'>

const ofRedis =
  (part: DeployedPart) =>
  ({ owner, effective: { redis } }: Known): MountedSecret[] =>
    usesRedis[part](owner.spec) ? [...access('redis', redis), ...authority('redis', redis)] : []

/** Whoever reads or writes the log, and the migration, which looks after its topics. */
const ofKafka = ({ effective: { kafka, strimzi } }: Known): MountedSecret[] => {
  const maker = strimzi && `Strimzi, for KafkaUser ${strimzi.user} and Kafka ${strimzi.cluster},`
  const scram = kafka?.scram && { secretRef: kafka.scram.secretRef }
  return [
    ...access('kafka', scram, { field: 'scram.secretRef', maker }),
    ...authority('kafka', kafka, maker),
    ...identity(kafka),
  ]
}

const ofPostgres = (known: Known): MountedSecret[] =>
  authority('postgres', known.effective.postgres, postgresMaker(known))

/** Who makes the Secrets of a delegated Postgres. */
const postgresMaker = ({ owner, effective }: Known): string | undefined =>
  effective.cloudNativePG && `CloudNativePG, for Cluster ${partName(owner.metadata.name, 'postgres')},`

/** Only those have it who make roles on a Postgres of others, or take them away. */
const givenPostgres = (known: Known): MountedSecret[] =>
  access('postgres', known.effective.postgres, { maker: postgresMaker(known) })

/** Of a Job that restores, too. */
const ofBackupStore = ({ effective: { backup } }: Known): MountedSecret[] => {
  const { s3 } = backup ?? {}
  if (s3 === undefined) return []
  const keys = mountedSecret({
    volume: 's3-access',
    folder: mounts.storeAccess.path,
    path: 'spec.backup.s3.secretRef',
    secret: s3.secretRef.name,
  })
  const path = 'spec.backup.s3.caSecretRef'
  return [keys, ...authorityOf('s3', s3.caSecretRef, { path, at: mounts.storeAuthority.path })]
}

type Secrets = (known: Known) => MountedSecret[]

/** A removal must not wait for a Secret that it does not need, and that may be gone by then. */
function where(holds: (known: Known) => boolean, secrets: Secrets): Secrets {
  return known => (holds(known) ? secrets(known) : [])
}

/** Whoever mounts Secrets of the user. */
type Mounting = Program | 'backup-s3'

const secretsOf: Readonly<Record<Mounting, readonly Secrets[]>> = {
  gateway: [({ owner }) => callerSecrets(owner.spec.gateway), ofRedis('gateway'), ofKafka],
  writer: [ofRedis('writer'), ofPostgres, ofKafka],
  reader: [ofRedis('reader'), ofPostgres],
  migrate: [givenPostgres, ofPostgres, ofKafka],
  maintain: [ofPostgres],
  remove: [where(removesSchema, givenPostgres), ofPostgres, where(removesTopics, ofKafka)],
  retire: [ofPostgres],
  'backup-s3': [ofBackupStore],
}

/** The programs that may mount any. */
export const mountingPrograms = Object.keys(secretsOf).filter(name => isMounting(name))

function isMounting(name: string): name is Mounting {
  return Object.hasOwn(secretsOf, name)
}

/** Of a component; empty for what is no program of ours. */
export const userSecrets = (known: Known, component: string): MountedSecret[] =>
  isMounting(component) ? secretsOf[component].flatMap(of => of(known)) : []

type Engine = 'kafka' | 'postgres' | 'redis'

const accessFolder = {
  kafka: mounts.kafkaAccess.path,
  postgres: mounts.postgresAccess.path,
  redis: mounts.redisAccess.path,
}
const authorityFile = {
  kafka: mounts.kafkaAuthority.path,
  postgres: mounts.postgresAuthority.path,
  redis: mounts.redisAuthority.path,
}

const said = (engine: Engine, field: string): string =>
  `${engine}.external.${field} of the DataService or its class`

function access(
  engine: Engine,
  external: { secretRef?: { name: string } } | undefined,
  { field = 'secretRef', maker }: { field?: string; maker?: string | undefined } = {},
): MountedSecret[] {
  if (external?.secretRef === undefined) return []
  return [
    mountedSecret({
      volume: `${engine}-access`,
      folder: accessFolder[engine],
      path: said(engine, field),
      maker,
      secret: external.secretRef.name,
    }),
  ]
}

function authority(engine: Engine, external: Effective[Engine], maker?: string): MountedSecret[] {
  const path = said(engine, 'tls.caSecretRef')
  return authorityOf(engine, external?.tls?.caSecretRef, { path, at: authorityFile[engine], maker })
}

function authorityOf(
  whose: string,
  named: { name: string; key: string } | undefined,
  { path, at, maker }: { path: string; at: string; maker?: string | undefined },
): MountedSecret[] {
  const [folder = '', file = ''] = at.split(/\/(?=[^/]*$)/)
  if (named === undefined) return []
  return [
    mountedSecret({
      volume: `${whose}-authority`,
      folder,
      path,
      maker,
      secret: named.name,
      entry: { key: named.key, path: file },
    }),
  ]
}

function identity(kafka: Effective['kafka']): MountedSecret[] {
  const named = kafka?.tls?.clientCertificateRef
  if (named === undefined) return []
  return [
    mountedSecret({
      volume: 'kafka-certificate',
      folder: mounts.kafkaIdentity.path,
      path: said('kafka', 'tls.clientCertificateRef'),
      secret: named.name,
    }),
  ]
}
