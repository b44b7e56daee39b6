/** What the API server refuses about who runs an engine. */
import type { Refusal } from './caller-refusals.ts'

const record = { schema: { type: 'object' } }
const postgres = { host: 'db.example.com', database: 'services', secretRef: { name: 'db' } }

export const providerRefusals: Record<string, Refusal> = {
  'a Redis that two run': {
    spec: { record, redis: { managed: {}, external: { host: 'cache.example.com' } } },
    says: 'redis is either managed or external: keep one of the two',
  },
  'an external Redis without a host': {
    spec: { record, redis: { external: {} } },
    says: 'spec.redis.external.host: Required value',
  },
  'an external Redis at no host': {
    spec: { record, redis: { external: { host: 'a b' } } },
    says: 'spec.redis.external.host',
  },
  'a Kafka that two run': {
    spec: { record, kafka: { managed: {}, external: { bootstrapServers: ['kafka.example.com:9092'] } } },
    says: 'kafka is managed, strimzi or external: keep one of them',
  },
  'an external Kafka without brokers': {
    spec: { record, kafka: { external: { bootstrapServers: [] } } },
    says: 'spec.kafka.external.bootstrapServers',
  },
  'a broker without a port': {
    spec: { record, kafka: { external: { bootstrapServers: ['kafka.example.com'] } } },
    says: 'spec.kafka.external.bootstrapServers[0]',
  },
  'a Postgres that two run': {
    spec: { record, postgres: { managed: {}, external: postgres } },
    says: 'postgres is managed, cloudNativePG or external: keep one of them',
  },
  'an external Postgres that nobody may come in to': {
    spec: { record, postgres: { external: { ...postgres, secretRef: undefined } } },
    says: 'spec.postgres.external.secretRef: Required value',
  },
  'a database with a name that SQL would have to quote': {
    spec: { record, postgres: { external: { ...postgres, database: 'a"; DROP' } } },
    says: 'spec.postgres.external.database',
  },
  'consumers of a Kafka of others': {
    spec: {
      record,
      kafka: { external: { bootstrapServers: ['kafka.example.com:9092'] } },
      consumers: [{ name: 'billing' }],
    },
    says: 'kafka.external is none: leave consumers out',
  },
  'a consumer with the name of the one who sees the lag for KEDA': {
    spec: { record, consumers: [{ name: 'writer-scaler' }] },
    says: 'the one by which KEDA sees the lag: choose another name',
  },
  'a consumer that would reach into the groups of another': {
    spec: { record, consumers: [{ name: 'billing.x' }] },
    says: 'spec.consumers[0].name',
  },
  'a consumer of pods that are nowhere': {
    spec: { record, consumers: [{ name: 'billing', from: [{}] }] },
    says: 'say who is meant: either cidr, or namespaceLabels and podLabels',
  },
  'two consumers of one name': {
    spec: { record, consumers: [{ name: 'billing' }, { name: 'billing' }] },
    says: 'Duplicate value',
  },
  'backups of a Postgres of others': {
    spec: { record, postgres: { external: postgres }, backup: { schedule: '0 3 * * *' } },
    says: 'backup is of a Postgres that the operator runs, and postgres.external or cloudNativePG is not: leave backup out',
  },
  'backups of ours of a Postgres that CloudNativePG runs': {
    spec: { record, postgres: { cloudNativePG: {} }, backup: { schedule: '0 3 * * *' } },
    says: 'leave backup out, and have it copied by those who run it',
  },
  'a Postgres that CloudNativePG and others run': {
    spec: { record, postgres: { cloudNativePG: {}, external: postgres } },
    says: 'postgres is managed, cloudNativePG or external: keep one of them',
  },
  'fewer connections than the jobs and people need': {
    spec: { record, postgres: { cloudNativePG: { parameters: { max_connections: '20' } } } },
    says: 'max_connections is a number from 30 to 9999',
  },
}
