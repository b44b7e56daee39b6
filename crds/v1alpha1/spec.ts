/**
 * `spec` of a DataService. A field stands here only when it works.
 * A field that a class may decide has no default here; its description says where the value comes from.
 */
import { type Static, Type } from 'typebox'
import { autoscaling, floorWithinMost, WriterAutoscaling } from './autoscaling.ts'
import { BackupSpec } from './backup.ts'
import { builtInClass, seededReplicas } from './built-in.ts'
import {
  Authentication,
  Authorization,
  Cors,
  knownCallersOnly,
  limitedCallersOnly,
  MaxBodyBytes,
  ownKeys,
  RateLimit,
} from './callers.ts'
import { Consumers } from './consumers.ts'
import { KafkaSpec, PostgresSpec, RedisSpec } from './engines.ts'
import { NetworkPolicySpec } from './network.ts'
import { partitioningRules } from './partitioning-rules.ts'
import { podFields } from './pods.ts'
import { RecordSpec } from './record.ts'
import { DeletionPolicy, ObjectName } from './scalars.ts'
import { securitySpec } from './security.ts'

export const GatewaySpec = Type.Object(
  {
    authentication: Type.Optional(Authentication),
    authorization: Type.Optional(Authorization),
    rateLimit: Type.Optional(RateLimit),
    cors: Type.Optional(Cors),
    maxBodyBytes: MaxBodyBytes,
    autoscaling: autoscaling('gateway', 'spec.replicas'),
    ...podFields('gateway'),
  },
  {
    default: {},
    'x-kubernetes-validations': [knownCallersOnly, limitedCallersOnly],
    description:
      'The HTTP side: it checks records and puts them into the log. The number of its pods is spec.replicas, or more ' +
      'under load. Example: {autoscaling: {maxReplicas: 10}, resources: {requests: {cpu: 500m}}}.',
  },
)
export type GatewaySpec = Static<typeof GatewaySpec>

export const WriterSpec = Type.Object(
  {
    replicas: Type.Optional(
      Type.Integer({
        minimum: 0,
        maximum: 50,
        description:
          'Pods of the writer: the fewest with writer.autoscaling.mode Lag or CPU, the exact number with Off. More than ' +
          'kafka.topic.partitions would be idle and is refused. Default: the operator ' +
          `sets a first number once (from the class; built-in: ${seededReplicas.writer}, or 1 with one partition) and then leaves it ` +
          'alone, so that kubectl scale deployment/NAME-writer holds, up to the number of partitions.',
      }),
    ),
    onError: Type.Unsafe<'DeadLetter' | 'HoldKey'>({
      type: 'string',
      enum: ['DeadLetter', 'HoldKey'],
      default: 'DeadLetter',
      description:
        'What follows when Postgres refuses a record, which then is a dead letter. DeadLetter: the records after it are ' +
        'stored as ever. HoldKey: later records with its key wait, in order, until somebody lets them go ' +
        '(docs/writing.md); it needs record.key or mode Upsert. Going back to DeadLetter lets all of them go. Example: ' +
        'HoldKey. Default: DeadLetter.',
    }),
    // Absent where the CRD is older than the operator.
    autoscaling: Type.Optional(WriterAutoscaling),
    ...podFields('writer'),
  },
  {
    default: {},
    'x-kubernetes-validations': [floorWithinMost('writer', 'writer.replicas', 'self')],
    description: 'It moves records from the log into Postgres. Example: {replicas: 3}.',
  },
)
export type WriterSpec = Static<typeof WriterSpec>

export const ReaderSpec = Type.Object(
  {
    replicas: Type.Optional(
      Type.Integer({
        minimum: 0,
        maximum: 50,
        description:
          'Pods of the reader: the fewest with reader.autoscaling.mode CPU, the exact number with Off; 0 stops reads. ' +
          `Default: from the class; built-in: ${seededReplicas.reader}; with mode Off set once, so that ` +
          'kubectl scale deployment/NAME-reader holds.',
      }),
    ),
    autoscaling: autoscaling('reader', 'reader.replicas'),
    ...podFields('reader'),
  },
  {
    default: {},
    'x-kubernetes-validations': [floorWithinMost('reader', 'reader.replicas', 'self')],
    description:
      'It answers queries from Redis or Postgres. Example: {replicas: 5, autoscaling: {maxReplicas: 20}}.',
  },
)
export type ReaderSpec = Static<typeof ReaderSpec>

export const Lifecycle = Type.Unsafe<'Running' | 'Hibernated'>({
  type: 'string',
  enum: ['Running', 'Hibernated'],
  default: 'Running',
  description:
    'Hibernated: the gateway ends first, the writer stores all that was accepted, then every pod goes; volumes, Secrets and ' +
    'the numbers of pods stay. Running wakes it with all its records (docs/hibernation.md). Example: Hibernated. ' +
    'Default: Running.',
})

const Slo = Type.Object(
  {
    endToEnd: Type.Optional(
      Type.String({
        maxLength: 5,
        pattern: '^[1-9][0-9]{0,3}(s|m)$',
        description:
          'How long a record may take from POST until GET answers with it (seconds s or minutes m). Probe records that take ' +
          'longer, three in a row, make the condition EndToEndReady False. Example: 5s. Default: no aim.',
      }),
    ),
  },
  {
    description:
      'What the service is measured against by probe records, which go through all of its parts every few seconds ' +
      '(docs/probing.md). Example: {endToEnd: 5s}. Default: no aim.',
  },
)

export const DataServiceSpec = Type.Object(
  {
    replicas: Type.Integer({
      minimum: 0,
      maximum: 50,
      default: 3,
      description:
        'Pods of the gateway: the fewest with gateway.autoscaling.mode CPU, the exact number with Off. ' +
        'kubectl scale dsvc/NAME sets it. 0 drains and stops the HTTP side and touches no data. Example: 5. Default: 3.',
    }),
    className: Type.Optional(
      ObjectName({
        description:
          'DataServiceClass that decides what this spec leaves open: kubectl get dsclass lists them, and ' +
          `${builtInClass} stands for none. It may change as long as engines and storage classes stay the same. ` +
          'Default: the one that was the default class when the DataService was made (status.className); ' +
          `${builtInClass} where there was none.`,
      }),
    ),
    lifecycle: Lifecycle,
    deletionPolicy: DeletionPolicy({
      default: 'Retain',
      description:
        'What becomes of the records when the DataService is deleted. Retain: the volumes and the Secrets that ' +
        'open them stay, and a DataService of the same name and the same record finds them again. Delete: nothing ' +
        'stays. kafka, postgres and backup may say it for themselves. It can be changed at any time before the deletion. ' +
        'Deleting the namespace deletes everything. Default: Retain.',
    }),
    // Absent where the CRD is older than the operator.
    operatorRevision: Type.Optional(
      Type.String({
        minLength: 1,
        maxLength: 64,
        pattern: '^[0-9A-Za-z][-.+0-9A-Za-z]*$',
        description:
          'Lets the pods wait at an upgrade of the operator: while its revision is another one, they stay as they are ' +
          '(status.revision, condition Upgraded, docs/upgrades.md). Example: 0.1.0-4c5abb00. Default: the pods follow ' +
          'the operator when their turn comes.',
      }),
    ),
    record: RecordSpec,
    gateway: GatewaySpec,
    writer: WriterSpec,
    reader: ReaderSpec,
    kafka: KafkaSpec,
    postgres: PostgresSpec,
    redis: RedisSpec,
    backup: Type.Optional(BackupSpec),
    security: Type.Optional(securitySpec('service')),
    networkPolicy: Type.Optional(NetworkPolicySpec),
    consumers: Type.Optional(Consumers),
    slo: Type.Optional(Slo),
  },
  {
    'x-kubernetes-validations': [
      floorWithinMost('gateway', 'replicas', 'self.gateway'),
      ...partitioningRules,
      ownKeys,
      {
        rule: '!has(self.backup) || !(has(self.postgres.external) || has(self.postgres.cloudNativePG))',
        message:
          'backup is of a Postgres that the operator runs, and postgres.external or cloudNativePG is not: leave backup out, ' +
          'and have it copied by those who run it',
      },
      {
        rule: '!has(self.consumers) || size(self.consumers) == 0 || !has(self.kafka.external)',
        message:
          'consumers get users of a Kafka that the operator or Strimzi runs, and kafka.external is none: leave consumers out, ' +
          'and let whoever runs that Kafka give the users',
      },
      {
        rule: "self.writer.onError != 'HoldKey' || has(self.record.key) || self.record.mode == 'Upsert'",
        message:
          'writer.onError HoldKey lets records wait that have the key of a refused one, and without record.key or mode Upsert ' +
          'every record has its own: leave writer.onError out, or declare one of the two, which only a new DataService can',
      },
      {
        rule: '!has(self.writer.replicas) || self.writer.replicas <= self.kafka.topic.partitions',
        message:
          'writer.replicas is above kafka.topic.partitions, and writers beyond the partitions are idle: ' +
          'raise the partitions or lower the writers',
      },
      {
        rule:
          "self.kafka.topic.partitions <= oldSelf.kafka.topic.partitions || (self.record.mode == 'Append' && " +
          '!has(self.record.id) && !has(self.record.key))',
        message:
          'kafka.topic.partitions cannot grow where records are ordered by a key (record.key, record.id or mode Upsert), ' +
          'because records of one key would stand in two partitions, in no order: put the old number back, or create ' +
          'another DataService with more partitions and copy the records',
      },
    ],
    description: 'What the data service should be. Only record is required; everything else has a default.',
  },
)
/** The spec as the API server answers it: every field with a schema default is present. */
export type DataServiceSpec = Static<typeof DataServiceSpec>
