/**
 * `spec` of a DataService. A field stands here only when it works.
 * A field that a class may decide has no default here; its description says where the value comes from.
 */
import { type Static, Type } from 'typebox'
import { seededReplicas } from './built-in.ts'
import { KafkaSpec, PostgresSpec, RedisSpec } from './engines.ts'
import { podFields } from './pods.ts'
import { RecordSpec } from './record.ts'

const seeded = (role: 'writer' | 'reader', advice: string) =>
  Type.Optional(
    Type.Integer({
      minimum: 0,
      maximum: 50,
      description:
        `Pods of the ${role}. ${advice} Default: the operator sets a first number once (from the class; built-in: ${seededReplicas[role]}) ` +
        `and then leaves it alone, so that kubectl scale deployment/NAME-${role} holds.`,
    }),
  )

export const GatewaySpec = Type.Object(
  { ...podFields('gateway') },
  {
    default: {},
    description:
      'The HTTP side: it checks records and puts them into the log. The number of its pods is spec.replicas. ' +
      'Example: {resources: {requests: {cpu: 500m}}}.',
  },
)
export type GatewaySpec = Static<typeof GatewaySpec>

export const WriterSpec = Type.Object(
  {
    replicas: seeded('writer', 'More than kafka.topic.partitions would be idle and is refused.'),
    ...podFields('writer'),
  },
  { default: {}, description: 'It moves records from the log into Postgres. Example: {replicas: 3}.' },
)
export type WriterSpec = Static<typeof WriterSpec>

export const ReaderSpec = Type.Object(
  { replicas: seeded('reader', 'It answers GET /data through the gateway.'), ...podFields('reader') },
  { default: {}, description: 'It answers queries from Redis or Postgres. Example: {replicas: 3}.' },
)
export type ReaderSpec = Static<typeof ReaderSpec>

export const DataServiceSpec = Type.Object(
  {
    replicas: Type.Integer({
      minimum: 0,
      maximum: 50,
      default: 3,
      description:
        'Pods of the gateway; kubectl scale dsvc/NAME sets it. 0 drains and stops the HTTP side and touches no data. ' +
        'Example: 5. Default: 3.',
    }),
    record: RecordSpec,
    gateway: GatewaySpec,
    writer: WriterSpec,
    reader: ReaderSpec,
    kafka: KafkaSpec,
    postgres: PostgresSpec,
    redis: RedisSpec,
  },
  {
    'x-kubernetes-validations': [
      {
        rule: '!has(self.writer.replicas) || self.writer.replicas <= self.kafka.topic.partitions',
        message:
          'writer.replicas is above kafka.topic.partitions, and writers beyond the partitions are idle: ' +
          'raise the partitions or lower the writers',
      },
    ],
    description: 'What the data service should be. Only record is required; everything else has a default.',
  },
)
/** The spec as the API server answers it: every field with a schema default is present. */
export type DataServiceSpec = Static<typeof DataServiceSpec>
