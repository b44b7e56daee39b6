/** Who runs each engine, and where those stand that the operator does not run itself. Pure. */
import type { Provider } from '#crds/v1alpha1/built-in.ts'
import type { DataServiceClassSpec } from '#crds/v1alpha1/class.ts'
import type { CloudNativePG } from '#crds/v1alpha1/delegated.ts'
import type { ExternalKafka, ExternalPostgres, ExternalRedis } from '#crds/v1alpha1/external.ts'
import type { DataService } from '#crds/v1alpha1/resource.ts'
import { database, ports } from '#dataservice/contract/names.ts'
import { delegatedSecrets, postgresPrimaryName, postgresReplicaName, serviceHost } from './names.ts'

export interface EngineChoice {
  providers: { kafka: Provider; postgres: Provider; redis: Provider }
  /** Where Kafka is not ours. */
  kafka?: ExternalKafka
  /** Where Postgres is not ours: named by a user, or made by CloudNativePG. */
  postgres?: ExternalPostgres
  /** Where Redis is not ours. */
  redis?: ExternalRedis
  /** What is asked of CloudNativePG beside pods and volumes. */
  cloudNativePG?: Pick<CloudNativePG, 'imageName'> & { instances: number; parameters: Record<string, string> }
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
  const kafka = externalOf(spec.kafka, ofClass.kafka)
  const redis = externalOf(spec.redis, ofClass.redis)
  const providers = {
    kafka: providerOf(spec.kafka, ofClass.kafka),
    postgres: providerOf(spec.postgres, ofClass.postgres),
    redis: providerOf(spec.redis, ofClass.redis),
  }
  const others = { providers, ...(kafka && { kafka }), ...(redis && { redis }) }
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

const connectionsKey = 'max_connections'

interface Choice<External> {
  managed?: unknown
  cloudNativePG?: unknown
  external?: External
}

const firstToSay = <External>(layers: readonly (Choice<External> | undefined)[]) =>
  layers.find(each => each?.managed ?? each?.cloudNativePG ?? each?.external)

const externalOf = <External>(...layers: readonly (Choice<External> | undefined)[]): External | undefined =>
  firstToSay(layers)?.external

function providerOf(...layers: readonly (Choice<unknown> | undefined)[]): Provider {
  const said = firstToSay(layers)
  if (said?.external !== undefined) return 'external'
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
