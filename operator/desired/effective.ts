/**
 * What is in force for one DataService: its own words first, then those of its class, then the built-in choice.
 * The one place where the three meet.
 */
import type { BackupSpec } from '#crds/v1alpha1/backup.ts'
import type { BackupStore } from '#crds/v1alpha1/backup-store.ts'
import {
  type Amounts,
  builtInEngines,
  builtInResources,
  builtInScaling,
  builtInSecurity,
  type HopMode,
  seededReplicas,
} from '#crds/v1alpha1/built-in.ts'
import type { DataServiceClassSpec } from '#crds/v1alpha1/class.ts'
import type { DataService } from '#crds/v1alpha1/resource.ts'
import type { Settings } from '#dataservice/contract/settings.ts'
import { type ConnectedPart, connectionBudget } from './connection-budget.ts'
import { durationMs } from './duration.ts'
import { type EngineChoice, engineChoice } from './engine-choice.ts'
import { meshWishes } from './mesh-pods.ts'
import { type DataPart, type DeployedPart, type Part, parts } from './names.ts'
import { partitioningOf } from './partitioning.ts'
import { type LagScaling, type NumberWish, numberWishes } from './pod-numbers.ts'
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

/** A second place for backups, with all that its user left open. */
export type BackupPlace = BackupStore & Required<Pick<BackupStore, 'prefix' | 'endpoint'>>

export interface Effective extends EngineChoice {
  images: Images
  /** Before the names of this cluster on engines that others share. */
  scopePrefix?: string
  /** Whether hops are encrypted. */
  tls: HopMode
  resources: Record<Part | 'jobs', Resources>
  pods: Record<Part | 'jobs', PodOverrides>
  storage: Record<DataPart, Storage>
  /** Of a managed Kafka. */
  brokers: number
  /** Pods of a managed Postgres: the primary and its replicas. */
  instances: number
  /** Pods of a managed Redis. */
  caches: number
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
  backup?: { schedule: string; retainSeconds: number; storage: Storage; s3?: BackupPlace }
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
  owner: Pick<DataService, 'metadata' | 'spec'>,
  images: Images,
  ofClass: DataServiceClassSpec = {},
  hops?: HopMode,
): Effective {
  const { spec } = owner
  const others = engineChoice(owner, ofClass, {
    instances: builtInEngines.delegatedInstances,
    maxConnections,
  })
  /** What decides later stands later. */
  const layers = [ofClass, spec].map(layer => ({
    ...layer,
    postgres: others.cloudNativePG ? layer.postgres?.cloudNativePG : layer.postgres?.managed,
  }))
  const wishes = layers.map(podWishes)
  const said: Said = wish => wish(spec) ?? wish(ofClass)
  const engines = enginePods(said)
  const tls = said(({ security }) => security?.tls) ?? hops ?? builtInSecurity.tls
  const total = others.postgres?.maxConnections ?? maxConnections
  const budget = connections(total, {
    writer: Math.min(mostPods, spec.kafka.topic.partitions),
    reader: mostPods,
  })
  return {
    images: { ...images, ...ofClass.images },
    ...others,
    tls,
    ...(ofClass.scopePrefix !== undefined && { scopePrefix: ofClass.scopePrefix }),
    resources: mapParts(part =>
      wishes.reduce((below, of) => mergeResources(below, of[part].resources), builtIn[part]),
    ),
    pods: mapParts(part =>
      wishes.reduce<PodOverrides>((below, of) => mergeOverrides(below, of[part].pod), meshWishes({ tls })),
    ),
    storage: {
      kafka: storage(layers.map(({ kafka }) => kafka?.managed?.storage)),
      postgres: storage(layers.map(({ postgres }) => postgres?.storage)),
    },
    ...engines,
    topic: topicOf(spec, others.kafka?.replicationFactor ?? engines.brokers),
    partitioning: partitioningOf(spec),
    replicas: numberWishes(spec, budget.maxPods, seeds(ofClass), lagScaling(said)),
    connections: budget,
    cacheTtlSeconds: 60,
    ...(spec.backup && { backup: backups(owner, spec.backup) }),
  }
}

/** The first that says anything: the DataService, then its class. */
type Said = <T>(wish: (layer: DataServiceClassSpec) => T | undefined) => T | undefined

const seeds = ({ writer, reader }: DataServiceClassSpec): Record<ConnectedPart, number> => ({
  writer: writer?.replicas ?? seededReplicas.writer,
  reader: reader?.replicas ?? seededReplicas.reader,
})

const lagScaling = (said: Said): LagScaling => ({
  by: said(({ writer }) => writer?.autoscaling?.by) ?? builtInScaling.by,
  lagThreshold: said(({ writer }) => writer?.autoscaling?.lagThreshold) ?? builtInScaling.lagThreshold,
})

/** Of those that the operator runs. */
const enginePods = (said: Said): Pick<Effective, 'brokers' | 'instances' | 'caches'> => ({
  brokers: said(({ kafka }) => kafka?.managed?.brokers) ?? builtInEngines.brokers,
  instances: said(({ postgres }) => postgres?.managed?.instances) ?? builtInEngines.instances,
  caches: said(({ redis }) => redis?.managed?.instances) ?? builtInEngines.caches,
})

type PodWishes = NonNullable<DataServiceClassSpec['gateway']>

/** Of a DataService or a class; of Postgres what is said of the one that runs. */
type Layer = Omit<DataServiceClassSpec, 'postgres'> & { postgres: PodWishes | undefined }

/** Of each kind of pod. Jobs go where the writer goes. */
function podWishes({ gateway, writer, reader, kafka, postgres, redis }: Layer) {
  const wishes: Record<Part | 'jobs', PodWishes> = {
    gateway: gateway ?? {},
    writer: writer ?? {},
    reader: reader ?? {},
    kafka: kafka?.managed ?? {},
    postgres: postgres ?? {},
    redis: redis?.managed ?? {},
    jobs: writer?.pod === undefined ? {} : { pod: writer.pod },
  }
  return wishes
}

function storage(layers: readonly (Partial<Storage> | undefined)[]): Storage {
  return Object.assign({ size: builtInEngines.volumeSize }, ...layers)
}

const backups = (
  { metadata: { namespace, name } }: Pick<DataService, 'metadata'>,
  { schedule, retain, volume, s3 }: BackupSpec,
): NonNullable<Effective['backup']> => ({
  schedule,
  retainSeconds: Math.ceil(durationMs(retain) / 1000),
  storage: storage([volume]),
  ...(s3 && {
    s3: { prefix: `${namespace}/${name}`, endpoint: `https://s3.${s3.region}.amazonaws.com`, ...s3 },
  }),
})

const topicOf = ({ kafka: { topic } }: DataService['spec'], replicationFactor: number) => ({
  partitions: topic.partitions,
  replicationFactor,
  retentionMs: durationMs(topic.retention),
})

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
