/**
 * `spec.kafka`, `spec.postgres` and `spec.redis`: the engines behind a DataService.
 * A rule about change stands on the field itself when the field has a default, because then it never comes or goes;
 * a rule about an optional field stands on its parent, or it would be skipped when the field is added or removed.
 */
import { type Static, Type } from 'typebox'
import { builtInPartitioning } from './built-in.ts'
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
import { DeletionPolicy, Duration, DurationOr } from './scalars.ts'

const Topic = Type.Object(
  {
    partitions: Type.Integer({
      minimum: 1,
      maximum: 256,
      default: 6,
      'x-kubernetes-validations': [
        {
          rule: 'self >= oldSelf',
          message:
            'kafka.topic.partitions can only grow, because Kafka cannot remove a partition: keep the old number or choose a larger one',
        },
      ],
      description:
        'Partitions of the topic: how many writer pods can work at once. Cannot shrink; can grow only where each record ' +
        'stands alone (no record.key, no record.id, mode Append), because growing would part records of one key. ' +
        'Example: 12. Default: 6.',
    }),
    retention: DurationOr({
      default: '7d',
      description:
        'How long the log keeps a record (minutes m, hours h or days d). It is also how long Postgres may be away ' +
        'before records are refused. Example: 36h. Default: 7d.',
    }),
  },
  {
    default: {},
    description:
      'The topic that holds the records before they reach Postgres. Example: {partitions: 12, retention: 3d}.',
  },
)

export const KafkaSpec = Type.Object(
  {
    managed: Type.Optional(managedKafka('service')),
    strimzi: Type.Optional(Strimzi),
    external: Type.Optional(ExternalKafka),
    topic: Topic,
    deletionPolicy: Type.Optional(
      DeletionPolicy({
        description:
          'What becomes of the log when the DataService is deleted. With Delete beside a database that is retained, records ' +
          'that were accepted and are not stored yet are gone; hibernate first, and there are none. Example: Delete. ' +
          'Default: spec.deletionPolicy.',
      }),
    ),
  },
  {
    default: {},
    'x-kubernetes-validations': [oneKafka],
    description:
      'The log in the middle: who runs Kafka, which cannot change later, and how its topic is set. Default: a managed Kafka and a topic of ' +
      '6 partitions kept for 7 days.',
  },
)
export type KafkaSpec = Static<typeof KafkaSpec>

/** A field of partitioning that is fixed from the first day on, also when its value is the built-in one. */
const fixed = (field: 'interval' | 'partitions', builtIn: string) => {
  const inForce = (self: string) => `(has(${self}.${field}) ? ${self}.${field} : ${builtIn})`
  return {
    rule: `${inForce('self')} == ${inForce('oldSelf')}`,
    message:
      `postgres.partitioning.${field} cannot change, because the partitions exist: put the old value back, ` +
      'or create another DataService with the new one and copy the records',
  }
}

const Partitioning = Type.Object(
  {
    by: Type.Optional(
      Type.Unsafe<'Time' | 'Hash'>({
        type: 'string',
        enum: ['Time', 'Hash'],
        description:
          'Time: a partition holds the records accepted in one interval. Hash: records are spread evenly by their id. ' +
          'It follows from record.id and record.mode and need not be written. Default: Hash with record.id or mode Upsert, ' +
          'else Time.',
      }),
    ),
    interval: Type.Optional(
      Type.Unsafe<'Hour' | 'Day' | 'Month'>({
        type: 'string',
        enum: ['Hour', 'Day', 'Month'],
        description:
          'Time that one partition covers. Aim at a few hundred partitions in all: Hour for a few days of data, ' +
          'Day for a year, Month for longer. Cannot be changed later. Mode Upsert: of the history of changes; else not ' +
          'with record.id. ' +
          `Default: ${builtInPartitioning.interval}.`,
      }),
    ),
    retain: Type.Optional(
      Duration({
        description:
          'Age at which records are removed, a whole partition at a time (minutes m, hours h or days d). ' +
          'Mode Upsert: age at which changes leave the history; the records stay. Else not with record.id. Example: 90d. ' +
          'Default: all is kept for ever.',
      }),
    ),
    premake: Type.Optional(
      Type.Integer({
        minimum: 1,
        maximum: 60,
        description:
          'Partitions made ahead of now, so that a missed maintenance run is no loss. Mode Upsert: of the history; ' +
          'else not with record.id. ' +
          `Default: ${builtInPartitioning.premake}.`,
      }),
    ),
    partitions: Type.Optional(
      Type.Integer({
        minimum: 1,
        maximum: 256,
        description:
          'Number of partitions by hash of the id. Aim at some ten million records in each; a list looks into all of ' +
          'them, a record by its id into one. Cannot be changed later. ' +
          `Only with record.id or mode Upsert. Example: 64. Default: ${builtInPartitioning.hashPartitions}.`,
      }),
    ),
  },
  {
    default: {},
    'x-kubernetes-validations': [
      fixed('interval', `'${builtInPartitioning.interval}'`),
      fixed('partitions', String(builtInPartitioning.hashPartitions)),
    ],
    description:
      'How the table of records is cut into partitions: by time, or by hash of the id where records have one of their ' +
      'own (record.id) or change (record.mode Upsert). Example: {interval: Month, retain: 730d}.',
  },
)

export const PostgresSpec = Type.Object(
  {
    managed: Type.Optional(managedPostgres('service')),
    cloudNativePG: Type.Optional(cloudNativePG('service')),
    external: Type.Optional(ExternalPostgres),
    partitioning: Partitioning,
    deletionPolicy: Type.Optional(
      DeletionPolicy({
        description:
          'What becomes of the stored records when the DataService is deleted. Example: Retain. Default: spec.deletionPolicy.',
      }),
    ),
  },
  {
    default: {},
    'x-kubernetes-validations': [onePostgres],
    description:
      'The tables: who runs Postgres, which cannot change later, and how records are partitioned. Default: one managed instance with a partition ' +
      'for each day, kept for ever; with record.id or mode Upsert 16 partitions by hash of the id.',
  },
)
export type PostgresSpec = Static<typeof PostgresSpec>

export const RedisSpec = Type.Object(
  { managed: Type.Optional(managedRedis('service')), external: Type.Optional(ExternalRedis) },
  {
    default: {},
    'x-kubernetes-validations': [oneRedis],
    description:
      'The cache in front of Postgres. Losing it loses no data, only speed. Who runs it cannot change later. ' +
      'Default: from the class; built-in: one managed pod without a volume.',
  },
)
export type RedisSpec = Static<typeof RedisSpec>
