/**
 * What is in force for one DataService: its own words first, then the built-in choice.
 * The one place where a class will come in between.
 */
import { type Amounts, builtInResources } from '#crds/v1alpha1/built-in.ts'
import type { DataServiceSpec } from '#crds/v1alpha1/spec.ts'
import type { Settings } from '#dataservice/contract/settings.ts'
import { type ConnectedPart, connectionBudget } from './connection-budget.ts'
import { durationMs } from './duration.ts'
import { type DeployedPart, type EnginePart, type Part, parts } from './names.ts'
import { partitioningOf } from './partitioning.ts'
import { type NumberWish, numberWishes } from './pod-numbers.ts'
import { largerQuantity } from './quantity.ts'

/** Image references of all pods; from `RELATED_IMAGE_*` of the operator, else the official ones. */
export interface Images {
  dataservice: string
  kafka: string
  postgres: string
  redis: string
}

export interface Resources {
  requests: Amounts
  limits: Amounts
}
type ResourceWishes = NonNullable<DataServiceSpec['gateway']['resources']>

/** The closed list of overrides that every pod takes. */
export type PodOverrides = NonNullable<DataServiceSpec['gateway']['pod']>

export interface Storage {
  size: string
  className?: string
}

export interface Effective {
  images: Images
  resources: Record<Part | 'jobs', Resources>
  pods: Record<Part | 'jobs', PodOverrides>
  storage: Record<Exclude<EnginePart, 'redis'>, Storage>
  brokers: number
  /** Pods of Postgres: the primary and its replicas. */
  instances: number
  topic: { partitions: number; replicationFactor: number; retentionMs: number }
  partitioning: Settings['partitioning']
  /** What the spec says about the number of pods; `podNumbers` adds what others say. */
  replicas: Record<DeployedPart, NumberWish>
  /** `max_connections` of a managed Postgres, what each pod may hold of them, and for how many pods they are enough. */
  connections: {
    total: number
    poolSize: Record<ConnectedPart, number>
    maxPods: Record<ConnectedPart, number>
  }
  cacheTtlSeconds: number
}

const inForce: Record<Part | 'jobs', Resources> = {
  ...builtInResources,
  jobs: { requests: { cpu: '50m', memory: '128Mi' }, limits: { cpu: '500m', memory: '256Mi' } },
}

/** `max_connections` of a managed Postgres. */
const maxConnections = 200
/** Most pods that any part may have (the bound of `replicas` in the API). */
const mostPods = 50

export function effective(spec: DataServiceSpec, images: Images): Effective {
  const wishes: Record<Part | 'jobs', Pick<DataServiceSpec['gateway'], 'resources' | 'pod'>> = {
    gateway: spec.gateway,
    writer: spec.writer,
    reader: spec.reader,
    kafka: spec.kafka.managed,
    postgres: spec.postgres.managed,
    redis: spec.redis.managed,
    jobs: spec.writer.pod === undefined ? {} : { pod: spec.writer.pod },
  }
  const { topic } = spec.kafka
  const budget = connections({ writer: Math.min(mostPods, topic.partitions), reader: mostPods })
  return {
    images,
    resources: mapParts(part => mergeResources(inForce[part], wishes[part].resources)),
    pods: mapParts(part => wishes[part].pod ?? {}),
    storage: { kafka: spec.kafka.managed.storage, postgres: spec.postgres.managed.storage },
    brokers: spec.kafka.managed.brokers,
    instances: spec.postgres.managed.instances,
    topic: {
      partitions: topic.partitions,
      replicationFactor: spec.kafka.managed.brokers,
      retentionMs: durationMs(topic.retention),
    },
    partitioning: partitioningOf(spec),
    replicas: numberWishes(spec, budget.maxPods),
    connections: budget,
    cacheTtlSeconds: 60,
  }
}

/** All parts share the primary. */
function connections(maxPods: Record<ConnectedPart, number>): Effective['connections'] {
  const budget = connectionBudget({ maxConnections, maxPods })
  return {
    total: maxConnections,
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

/** A request above the built-in limit lifts the limit with it, so that one wish never makes an invalid pair. */
function mergeResources(builtIn: Resources, wishes: ResourceWishes = {}): Resources {
  const request = (name: keyof Amounts): string => String(wishes.requests?.[name] ?? builtIn.requests[name])
  const limit = (name: keyof Amounts): string =>
    String(wishes.limits?.[name] ?? largerQuantity(builtIn.limits[name], request(name)))
  return {
    requests: { cpu: request('cpu'), memory: request('memory') },
    limits: { cpu: limit('cpu'), memory: limit('memory') },
  }
}
