/**
 * What is in force for one DataService: its own words first, then those of its class, then the built-in choice.
 * The one place where the three meet.
 */
import type { BackupSpec } from '#crds/v1alpha1/backup.ts'
import {
  type Amounts,
  builtInEngines,
  builtInResources,
  builtInSecurity,
  type HopMode,
  type Provider,
  seededReplicas,
} from '#crds/v1alpha1/built-in.ts'
import type { DataServiceClassSpec } from '#crds/v1alpha1/class.ts'
import type { ExternalKafka, ExternalPostgres, ExternalRedis } from '#crds/v1alpha1/external.ts'
import type { DataServiceSpec } from '#crds/v1alpha1/spec.ts'
import type { Settings } from '#dataservice/contract/settings.ts'
import { type ConnectedPart, connectionBudget } from './connection-budget.ts'
import { durationMs } from './duration.ts'
import { type DataPart, type DeployedPart, type EnginePart, type Part, parts } from './names.ts'
import { partitioningOf } from './partitioning.ts'
import { type NumberWish, numberWishes } from './pod-numbers.ts'
import { mergeOverrides, mergeResources, type PodOverrides, type Resources } from './pod-wishes.ts'

/** Image references of all pods; the class, then `RELATED_IMAGE_*` of the operator, else the official ones. */
export interface Images {
  dataservice: string
  kafka: string
  postgres: string
  redis: string
}

export interface Storage {
  size: string
  className?: string
}

export interface Effective {
  images: Images
  providers: Record<EnginePart, Provider>
  /** Where Kafka is external. */
  kafka?: ExternalKafka
  /** Where Postgres is external. */
  postgres?: ExternalPostgres
  /** Where Redis is external. */
  redis?: ExternalRedis
  /** Before the names of this cluster on engines that others share. */
  scopePrefix?: string
  /** Whether hops are encrypted. */
  tls: HopMode
  resources: Record<Part | 'jobs', Resources>
  pods: Record<Part | 'jobs', PodOverrides>
  storage: Record<DataPart, Storage>
  /** Of a managed Kafka. */
  brokers: number
  /** Pods of Postgres: the primary and its replicas. */
  instances: number
  topic: { partitions: number; replicationFactor: number; retentionMs: number }
  partitioning: Settings['partitioning']
  /** What the spec says about the number of pods; `podNumbers` adds what others say. */
  replicas: Record<DeployedPart, NumberWish>
  /** `max_connections` of a managed Postgres or what an external one gives, what each pod may hold of them, and for how many pods they are enough. */
  connections: {
    total: number
    poolSize: Record<ConnectedPart, number>
    maxPods: Record<ConnectedPart, number>
  }
  cacheTtlSeconds: number
  /** Backups of Postgres; absent: none are made. */
  backup?: { schedule: string; retainSeconds: number; storage: Storage }
}

const builtIn: Record<Part | 'jobs', { requests: Amounts; limits: Amounts }> = {
  ...builtInResources,
  jobs: { requests: { cpu: '50m', memory: '128Mi' }, limits: { cpu: '500m', memory: '256Mi' } },
}

/** `max_connections` of a managed Postgres. */
const maxConnections = 200
/** Most pods that any part may have (the bound of `replicas` in the API). */
const mostPods = 50

/** `ofClass`: empty without a class. `hops`: how they are by now, which nobody changes by saying nothing. */
export function effective(
  spec: DataServiceSpec,
  images: Images,
  ofClass: DataServiceClassSpec = {},
  hops?: HopMode,
): Effective {
  /** What decides later stands later. */
  const layers = [ofClass, spec]
  const wishes = layers.map(podWishes)
  const said = <T>(wish: (layer: DataServiceClassSpec) => T | undefined): T | undefined =>
    wish(spec) ?? wish(ofClass)
  const brokers = said(({ kafka }) => kafka?.managed?.brokers) ?? builtInEngines.brokers
  const { topic } = spec.kafka
  const others = externals(spec, ofClass)
  const total = others.postgres?.maxConnections ?? maxConnections
  const budget = connections(total, { writer: Math.min(mostPods, topic.partitions), reader: mostPods })
  return {
    images: { ...images, ...ofClass.images },
    providers: providersOf(others),
    ...others,
    tls: said(({ security }) => security?.tls) ?? hops ?? builtInSecurity.tls,
    ...(ofClass.scopePrefix !== undefined && { scopePrefix: ofClass.scopePrefix }),
    resources: mapParts(part =>
      wishes.reduce((below, of) => mergeResources(below, of[part].resources), builtIn[part]),
    ),
    pods: mapParts(part =>
      wishes.reduce<PodOverrides>((below, of) => mergeOverrides(below, of[part].pod), {}),
    ),
    storage: {
      kafka: storage(layers.map(({ kafka }) => kafka?.managed?.storage)),
      postgres: storage(layers.map(({ postgres }) => postgres?.managed?.storage)),
    },
    brokers,
    instances: said(({ postgres }) => postgres?.managed?.instances) ?? builtInEngines.instances,
    topic: {
      partitions: topic.partitions,
      replicationFactor: others.kafka?.replicationFactor ?? brokers,
      retentionMs: durationMs(topic.retention),
    },
    partitioning: partitioningOf(spec),
    replicas: numberWishes(spec, budget.maxPods, {
      writer: ofClass.writer?.replicas ?? seededReplicas.writer,
      reader: ofClass.reader?.replicas ?? seededReplicas.reader,
    }),
    connections: budget,
    cacheTtlSeconds: 60,
    ...(spec.backup && { backup: backups(spec.backup) }),
  }
}

type PodWishes = NonNullable<DataServiceClassSpec['gateway']>

/** Of each kind of pod. Jobs go where the writer goes. */
function podWishes({ gateway, writer, reader, kafka, postgres, redis }: DataServiceClassSpec) {
  const wishes: Record<Part | 'jobs', PodWishes> = {
    gateway: gateway ?? {},
    writer: writer ?? {},
    reader: reader ?? {},
    kafka: kafka?.managed ?? {},
    postgres: postgres?.managed ?? {},
    redis: redis?.managed ?? {},
    jobs: writer?.pod === undefined ? {} : { pod: writer.pod },
  }
  return wishes
}

function storage(layers: readonly (Partial<Storage> | undefined)[]): Storage {
  return Object.assign({ size: builtInEngines.volumeSize }, ...layers)
}

const backups = ({ schedule, retain, volume }: BackupSpec): NonNullable<Effective['backup']> => ({
  schedule,
  retainSeconds: Math.ceil(durationMs(retain) / 1000),
  storage: storage([volume]),
})

interface Choice<External> {
  managed?: unknown
  external?: External
}

/** Whoever says anything about who runs an engine decides it, the DataService before its class. */
const externalOf = <External>(...layers: readonly (Choice<External> | undefined)[]): External | undefined =>
  layers.find(each => each?.managed ?? each?.external)?.external

/** Those that others run, and no others. */
function externals(
  spec: DataServiceSpec,
  ofClass: DataServiceClassSpec,
): Pick<Effective, 'kafka' | 'postgres' | 'redis'> {
  const kafka = externalOf(spec.kafka, ofClass.kafka)
  const postgres = externalOf(spec.postgres, ofClass.postgres)
  const redis = externalOf(spec.redis, ofClass.redis)
  return { ...(kafka && { kafka }), ...(postgres && { postgres }), ...(redis && { redis }) }
}

function providersOf({ kafka, postgres, redis }: ReturnType<typeof externals>): Effective['providers'] {
  const of = (external: unknown): Provider => (external === undefined ? 'managed' : 'external')
  return { kafka: of(kafka), postgres: of(postgres), redis: of(redis) }
}

/** All parts share the primary. */
function connections(total: number, maxPods: Record<ConnectedPart, number>): Effective['connections'] {
  const budget = connectionBudget({ maxConnections: total, maxPods })
  return {
    total,
    poolSize: { writer: budget.poolSize, reader: budget.poolSize },
    maxPods: { ...maxPods, ...budget.maxPods },
  }
}

function mapParts<T>(make: (part: Part | 'jobs') => T): Record<Part | 'jobs', T> {
  return {
    jobs: make('jobs'),
    ...(Object.fromEntries(parts.map(part => [part, make(part)])) as Record<Part, T>),
  }
}
