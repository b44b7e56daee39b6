/** DataServiceClass: what a platform team decides for the DataServices that leave it open. Cluster-scoped, as StorageClass is. */
import { type Static, Type } from 'typebox'
import { ClassWriterAutoscaling } from './autoscaling.ts'
import { builtInClass, seededReplicas } from './built-in.ts'
import { cloudNativePG, Strimzi } from './delegated.ts'
import {
  ExternalKafka,
  ExternalPostgres,
  ExternalRedis,
  oneKafka,
  onePostgres,
  oneRedis,
} from './external.ts'
import { managedKafka, managedPostgres, managedRedis } from './managed.ts'
import { podFields } from './pods.ts'
import { group, version } from './resource.ts'
import { securitySpec } from './security.ts'

export const kind = 'DataServiceClass'
export const listKind = 'DataServiceClassList'
export const plural = 'dataserviceclasses'
export const singular = 'dataserviceclass'
export const shortName = 'dsclass'
export const apiVersion = `${group}/${version}` as const

/** On a class: `true` makes it the one of new DataServices that name none. */
export const defaultAnnotation = `${group}/is-default-class`

const image = (engine: string, example: string) =>
  Type.Optional(
    Type.String({
      minLength: 1,
      maxLength: 512,
      pattern: '^[^\\s]+$',
      description:
        `Image of the ${engine} pods, laid out as the official one is. A change restarts them. Example: ${example}. ` +
        'Default: the one that the operator was installed with.',
    }),
  )

const Images = Type.Object(
  {
    kafka: image('Kafka', 'registry.example.com/apache/kafka:4.3.0'),
    postgres: image('Postgres', 'registry.example.com/postgres:17'),
    redis: image('Redis', 'registry.example.com/redis:8.0'),
  },
  {
    description:
      'Images of the engines. Gateway, writer and reader run the image that belongs to the version of the operator. ' +
      'Default: those that the operator was installed with.',
  },
)

const pods = (part: 'writer' | 'reader', meaning: string) =>
  Type.Optional(
    Type.Integer({
      minimum: 1,
      maximum: 50,
      description: `Pods of the ${part} where a DataService says no number: ${meaning} Example: 4. Default: ${seededReplicas[part]}.`,
    }),
  )

export const DataServiceClassSpec = Type.Object(
  {
    images: Type.Optional(Images),
    gateway: Type.Optional(
      Type.Object(podFields('gateway', 'class'), {
        description: 'Pods of the gateway. Example: {resources: {requests: {cpu: 500m}}}.',
      }),
    ),
    writer: Type.Optional(
      Type.Object(
        {
          replicas: pods('writer', 'the first number, never more than partitions of the topic.'),
          autoscaling: Type.Optional(ClassWriterAutoscaling),
          ...podFields('writer', 'class'),
        },
        { description: 'Pods of the writer, and of the jobs that make and keep the tables.' },
      ),
    ),
    reader: Type.Optional(
      Type.Object(
        {
          replicas: pods('reader', 'the fewest with reader.autoscaling.mode CPU, the first number with Off.'),
          ...podFields('reader', 'class'),
        },
        { description: 'Pods of the reader. Example: {replicas: 2}.' },
      ),
    ),
    kafka: Type.Optional(
      Type.Object(
        {
          managed: Type.Optional(managedKafka('class')),
          strimzi: Type.Optional(Strimzi),
          external: Type.Optional(ExternalKafka),
        },
        {
          'x-kubernetes-validations': [oneKafka],
          description: 'Who runs Kafka, and with what. Default: managed.',
        },
      ),
    ),
    postgres: Type.Optional(
      Type.Object(
        {
          managed: Type.Optional(managedPostgres('class')),
          cloudNativePG: Type.Optional(cloudNativePG('class')),
          external: Type.Optional(ExternalPostgres),
        },
        {
          'x-kubernetes-validations': [onePostgres],
          description: 'Who runs Postgres, and with what. Default: managed.',
        },
      ),
    ),
    redis: Type.Optional(
      Type.Object(
        { managed: Type.Optional(managedRedis('class')), external: Type.Optional(ExternalRedis) },
        {
          'x-kubernetes-validations': [oneRedis],
          description: 'Who runs Redis, and with what. Default: managed.',
        },
      ),
    ),
    security: Type.Optional(securitySpec('class')),
    scopePrefix: Type.Optional(
      Type.String({
        maxLength: 20,
        pattern: '^[a-z]([-a-z0-9]*[a-z0-9])?$',
        description:
          'What tells this Kubernetes cluster from others that share external engines: it stands before every key in Redis ' +
          'and every topic in Kafka, goes into the names of roles and schemas in Postgres, and must be another one in each ' +
          'cluster. It cannot change where records are in such an engine. Example: eu1. Default: nothing, for engines of one cluster alone.',
      }),
    ),
  },
  {
    default: {},
    description:
      'What holds for a DataService of this class that does not say it itself. What neither says is built in.',
  },
)
export type DataServiceClassSpec = Static<typeof DataServiceClassSpec>

/** One class as the API server answers it. */
export interface DataServiceClass {
  apiVersion: typeof apiVersion
  kind: typeof kind
  metadata: {
    name: string
    uid?: string
    resourceVersion?: string
    creationTimestamp?: string
    annotations?: Record<string, string>
  }
  spec: DataServiceClassSpec
}

export const DataServiceClassSchema = Type.Object(
  { spec: DataServiceClassSpec },
  {
    'x-kubernetes-validations': [
      {
        rule: `self.metadata.name != '${builtInClass}'`,
        message: `a class cannot be called ${builtInClass}, because that name stands for none: choose another name`,
      },
    ],
    description:
      'Sizes, images and engines for the DataServices of a cluster, so that the same DataService runs on a laptop and in ' +
      `production. With the annotation ${defaultAnnotation}: "true" it is the class of new DataServices that name none; ` +
      'where several carry it, the oldest is. A change reaches every DataService that uses the class.',
  },
)
