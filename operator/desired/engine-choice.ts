/** Who runs each engine, and where those stand that the operator does not run itself. Pure. */
import type { Provider } from '#crds/v1alpha1/built-in.ts'
import type { DataServiceClassSpec } from '#crds/v1alpha1/class.ts'
import type { CloudNativePG, Strimzi } from '#crds/v1alpha1/delegated.ts'
import type { ExternalKafka, ExternalPostgres, ExternalRedis } from '#crds/v1alpha1/external.ts'
import type { DataService } from '#crds/v1alpha1/resource.ts'
import { database, ports } from '#dataservice/contract/names.ts'
import {
  delegatedSecrets,
  engineParts,
  partName,
  postgresPrimaryName,
  postgresReplicaName,
  serviceHost,
} from './names.ts'

export interface EngineChoice {
  providers: { kafka: Provider; postgres: Provider; redis: Provider }
  /** Where Kafka is not ours: named by a user, or run by Strimzi. */
  kafka?: ExternalKafka
  /** The Kafka that Strimzi runs, and the KafkaUser as whom pods log in. */
  strimzi?: Strimzi & { user: string }
  /** Where Postgres is not ours: named by a user, or made by CloudNativePG. */
  postgres?: ExternalPostgres
  /** Where Redis is not ours. */
  redis?: ExternalRedis
  /** What is asked of CloudNativePG beside pods and volumes. */
  cloudNativePG?: Pick<CloudNativePG, 'imageName'> & { instances: number; parameters: Record<string, string> }
}

/** Whether the operator runs what a component consists of itself: all but engines of others. */
export function isManaged({ providers }: Pick<EngineChoice, 'providers'>, component: string): boolean {
  const engine = engineParts.find(part => part === component)
  return engine === undefined || providers[engine] === 'managed'
}

export interface EngineDefaults {
  /** Of a Postgres that CloudNativePG runs. */
  instances: number
  /** `max_connections` of such a Postgres. */
  maxConnections: number
}

/** Whoever says anything about who runs an engine decides it, the DataService before its class. */
export function engineChoice(
  owner: Pick<DataService, 'metadata' | 'spec'>,
  ofClass: DataServiceClassSpec,
  defaults: EngineDefaults,
): EngineChoice {
  const { spec } = owner
  const redis = externalOf(spec.redis, ofClass.redis)
  const providers = {
    kafka: providerOf(spec.kafka, ofClass.kafka),
    postgres: providerOf(spec.postgres, ofClass.postgres),
    redis: providerOf(spec.redis, ofClass.redis),
  }
  const others = { providers, ...kafkaOf(owner, ofClass), ...(redis && { redis }) }
  if (providers.postgres !== 'cloudNativePG') {
    const postgres = externalOf(spec.postgres, ofClass.postgres)
    return { ...others, ...(postgres && { postgres }) }
  }
  const [said, below] = [spec.postgres.cloudNativePG, ofClass.postgres?.cloudNativePG]
  const imageName = said?.imageName ?? below?.imageName
  const cloudNativePG = {
    instances: said?.instances ?? below?.instances ?? defaults.instances,
    ...(imageName !== undefined && { imageName }),
    parameters: {
      [connectionsKey]: String(defaults.maxConnections),
      ...below?.parameters,
      ...said?.parameters,
    },
  }
  return { ...others, cloudNativePG, postgres: placeOf(owner, cloudNativePG) }
}

function kafkaOf(
  { metadata, spec }: Pick<DataService, 'metadata' | 'spec'>,
  ofClass: DataServiceClassSpec,
): Pick<EngineChoice, 'kafka' | 'strimzi'> {
  const said = firstToSay([spec.kafka, ofClass.kafka])
  if (said?.strimzi === undefined) return said?.external ? { kafka: said.external } : {}
  const { cluster, listener, replicationFactor } = said.strimzi
  const user = partName(metadata.name, 'kafka')
  return {
    strimzi: { ...said.strimzi, user },
    kafka: {
      bootstrapServers: [`${serviceHost(`${cluster}-kafka-bootstrap`, metadata.namespace)}:${listener.port}`],
      scram: { mechanism: 'SCRAM-SHA-512', secretRef: { name: user } },
      ...(listener.tls && {
        tls: { caSecretRef: { name: `${cluster}-cluster-ca-cert`, key: 'ca.crt' } },
      }),
      topics: 'Given',
      replicationFactor,
    },
  }
}

const connectionsKey = 'max_connections'

interface Choice<External> {
  managed?: unknown
  strimzi?: unknown
  cloudNativePG?: unknown
  external?: External
}

const firstToSay = <Said extends Choice<unknown>>(layers: readonly (Said | undefined)[]) =>
  layers.find(each => each?.managed ?? each?.strimzi ?? each?.cloudNativePG ?? each?.external)

const externalOf = <External>(...layers: readonly (Choice<External> | undefined)[]): External | undefined =>
  firstToSay(layers)?.external

function providerOf(...layers: readonly (Choice<unknown> | undefined)[]): Provider {
  const said = firstToSay(layers)
  if (said?.external !== undefined) return 'external'
  if (said?.strimzi !== undefined) return 'strimzi'
  return said?.cloudNativePG === undefined ? 'managed' : 'cloudNativePG'
}

/** Services and Secrets are named by CloudNativePG after its Cluster; its certificate is that of the Services' names. */
function placeOf(
  { metadata: { namespace, name } }: Pick<DataService, 'metadata'>,
  { instances, parameters }: NonNullable<EngineChoice['cloudNativePG']>,
): ExternalPostgres {
  const at = (service: string) => ({ host: serviceHost(service, namespace), port: ports.postgres })
  const secrets = delegatedSecrets(name)
  return {
    ...at(postgresPrimaryName(name)),
    ...(instances > 1 && { replica: at(postgresReplicaName(name)) }),
    database: database.name,
    secretRef: { name: secrets.access },
    tls: { caSecretRef: { name: secrets.authority, key: 'ca.crt' } },
    maxConnections: Number(parameters[connectionsKey]),
  }
}
