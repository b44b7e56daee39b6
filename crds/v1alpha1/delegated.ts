/**
 * Engines that another operator of the same Kubernetes cluster runs: what a DataService says of them, and what a class
 * says in its stead. As with `managed`, nothing here has a schema default, and what neither says is built in.
 */
import { type Static, Type } from 'typebox'
import { builtInEngines, type Level, otherwise } from './built-in.ts'
import { storage } from './managed.ts'
import { podFields } from './pods.ts'
import { ObjectName, type Rule, StringMap } from './scalars.ts'

const enoughConnections: Rule = {
  rule:
    "!('max_connections' in self) || (self['max_connections'].matches('^[1-9][0-9]{1,3}$') && " +
    "int(self['max_connections']) >= 30)",
  message:
    'postgres.cloudNativePG.parameters.max_connections is a number from 30 to 9999, in quotes: "200" where it is left out',
}

export const cloudNativePG = (level: Level) =>
  Type.Object(
    {
      instances: Type.Optional(
        Type.Integer({
          minimum: 1,
          maximum: 9,
          description:
            'Number of Postgres pods: a primary, and replicas of which one takes over when it is lost. Readers ask them, too. ' +
            `Example: 3. ${otherwise(level, builtInEngines.delegatedInstances)}`,
        }),
      ),
      imageName: Type.Optional(
        Type.String({
          minLength: 1,
          maxLength: 512,
          pattern: '^[^\\s]+$',
          description:
            'Image of Postgres 16 or newer that CloudNativePG can run. Example: ghcr.io/cloudnative-pg/postgresql:17. ' +
            `${otherwise(level, 'the one that CloudNativePG takes')}`,
        }),
      ),
      storage: Type.Optional(storage('Postgres', level)),
      parameters: Type.Optional(
        StringMap({
          valueLength: 256,
          rules: [enoughConnections],
          description:
            'Settings of Postgres. CloudNativePG refuses those that it sets itself. Writers and readers are held within ' +
            'max_connections. Example: {shared_buffers: 1GB, max_connections: "300"}. Default: {max_connections: "200"}.',
        }),
      ),
      ...podFields('postgres', level),
    },
    {
      description:
        'A Postgres that CloudNativePG (1.25 or newer, in this Kubernetes cluster) runs for each DataService alone: the ' +
        'operator makes the Cluster NAME-postgres and its database, and pods log in with the Secrets that CloudNativePG makes. ' +
        'With deletionPolicy Retain the Cluster outlives the DataService and goes on running. ' +
        'Example: {instances: 3, storage: {size: 100Gi}}.',
    },
  )
export type CloudNativePG = Static<ReturnType<typeof cloudNativePG>>

const Listener = Type.Object(
  {
    port: Type.Integer({
      minimum: 9092,
      maximum: 65535,
      default: 9093,
      description: 'Port of the listener. Example: 9094. Default: 9093.',
    }),
    tls: Type.Boolean({
      default: true,
      description: 'Whether the listener encrypts, as its own field tls says. Example: false. Default: true.',
    }),
  },
  {
    default: {},
    description:
      'A listener of type internal, with authentication scram-sha-512. Example: {port: 9094}. Default: {port: 9093, tls: true}.',
  },
)

export const Strimzi = Type.Object(
  {
    cluster: ObjectName({
      description:
        'Name of the Kafka, in the namespace of the DataService, with topicOperator and userOperator. Example: main.',
    }),
    listener: Listener,
    replicationFactor: Type.Integer({
      minimum: 1,
      maximum: 7,
      default: 3,
      description:
        'Copies of each partition; from 3 on two of them must have a record before it is accepted. Example: 1, where there ' +
        'is one broker. Default: 3.',
    }),
  },
  {
    description:
      'A Kafka that Strimzi (1.0 or newer, in this Kubernetes cluster) runs; several DataServices of the namespace may share ' +
      'it. The operator makes a KafkaTopic for each topic and a KafkaUser who may do what is needed and nothing else; pods log ' +
      'in with the Secret that Strimzi makes. With deletionPolicy Retain the topics outlive the DataService. ' +
      'Example: {cluster: main}.',
  },
)
export type Strimzi = Static<typeof Strimzi>
