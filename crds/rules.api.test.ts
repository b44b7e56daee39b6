import { beforeAll, expect, test } from 'vitest'
import { kubectl, newNamespace, refusalOf } from '#e2e/control-plane/inject.ts'
import { dataServiceSchema } from './definition.ts'
import { backupRefusals } from './testing/backup-refusals.ts'
import { callerRefusals, jwt, type Refusal } from './testing/caller-refusals.ts'
import { growthRefusals, modeRefusals } from './testing/mode-refusals.ts'
import { networkRefusals } from './testing/network-refusals.ts'
import { providerRefusals } from './testing/provider-refusals.ts'
import { versionRefusals } from './testing/version-refusals.ts'

const record = { schema: { type: 'object' } }
let namespace = ''

beforeAll(async () => {
  namespace = await newNamespace('rules')
})

const resources = (cpu: string, limit: string | number) => ({ requests: { cpu }, limits: { cpu: limit } })
const memory = (request: string, limit: string) => ({
  requests: { memory: request },
  limits: { memory: limit },
})
const kafkaStorage = (storage: object) => ({ record, kafka: { managed: { storage } } })
const postgresStorage = (storage: object) => ({ record, postgres: { managed: { storage } } })
const brokers = (number: number) => ({ record, kafka: { managed: { brokers: number } } })
const instances = (number: number) => ({ record, postgres: { managed: { instances: number } } })
const topic = (partitions: number) => ({ record, kafka: { topic: { partitions } } })
const partitioned = (partitioning: object) => ({ record, postgres: { partitioning } })
const named = (id: string | null, partitioning: object = {}) => ({
  record: { ...record, id },
  postgres: { partitioning },
})
const keyed = (key: string) => ({ record: { ...record, key } })

const refusals: Record<string, Refusal> = {
  'a name that leaves no room for its children': {
    name: `a${'b'.repeat(40)}`,
    spec: { record },
    says: 'metadata.name must have at most 40 characters',
  },
  'a name with a dot': { name: 'a.b', spec: { record }, says: 'metadata.name must have' },
  'a name that starts with a digit': { name: '1a', spec: { record }, says: 'metadata.name must have' },
  'no record': { spec: {}, says: 'spec.record: Required value' },
  'more gateways than allowed': {
    spec: { record, replicas: 51 },
    says: 'should be less than or equal to 50',
  },
  'fewer gateways than none': {
    spec: { record, replicas: -1 },
    says: 'should be greater than or equal to 0',
  },
  'a key that is no pointer': { spec: keyed('customerId'), says: 'spec.record.key' },
  'another key': { before: keyed('/a'), spec: keyed('/b'), says: 'record.key cannot change' },
  'a key that comes later': { before: { record }, spec: keyed('/a'), says: 'record.key cannot change' },
  'a key that goes': {
    before: keyed('/a'),
    spec: { record: { ...record, key: null } },
    says: 'record.key cannot change',
  },
  'more indexes than allowed': {
    spec: { record: { ...record, indexes: Array(17).fill({ fields: ['/a'] }) } },
    says: 'must have at most 16 items',
  },
  'an index without fields': {
    spec: { record: { ...record, indexes: [{ fields: [] }] } },
    says: 'should have at least 1 items',
  },
  'an index for what there is not': {
    spec: { record: { ...record, indexes: [{ fields: ['/a'], use: 'Brin' }] } },
    says: 'supported values: "Lookup", "Range"',
  },
  'two brokers': { spec: brokers(2), says: 'kafka.managed.brokers is 1 or 3' },
  'four brokers': { spec: brokers(4), says: 'should be less than or equal to 3' },
  'fewer brokers later': {
    before: brokers(3),
    spec: brokers(1),
    says: 'can grow from 1 to 3 and never shrink',
  },
  'six Postgres instances': { spec: instances(6), says: 'should be less than or equal to 5' },
  'fewer partitions': { before: topic(12), spec: topic(6), says: 'kafka.topic.partitions can only grow' },
  'fewer partitions by leaving them out': {
    before: topic(12),
    spec: { record, kafka: { topic: null } },
    says: 'kafka.topic.partitions can only grow',
  },
  'more writers than partitions': {
    spec: { ...topic(2), writer: { replicas: 3 } },
    says: 'writer.replicas is above kafka.topic.partitions',
  },
  'more gateways than their autoscaler may make': {
    spec: { record, replicas: 5, gateway: { autoscaling: { maxReplicas: 4 } } },
    says: 'replicas is above gateway.autoscaling.maxReplicas: raise maxReplicas, lower replicas,',
  },
  'gateways at most below those at least': {
    before: { record },
    spec: { gateway: { autoscaling: { maxReplicas: 2 } } },
    says: 'replicas is above gateway.autoscaling.maxReplicas',
  },
  'a floor of the writer above its most': {
    spec: { record, writer: { replicas: 5, autoscaling: { mode: 'Lag', maxReplicas: 4 } } },
    says: 'writer.replicas is above writer.autoscaling.maxReplicas: raise maxReplicas, lower writer.replicas,',
  },
  'a lifecycle that does not exist': { spec: { record, lifecycle: 'Paused' }, says: 'spec.lifecycle' },
  'more readers than their autoscaler may make': {
    spec: { record, reader: { replicas: 5, autoscaling: { maxReplicas: 4 } } },
    says: 'reader.replicas is above reader.autoscaling.maxReplicas',
  },
  'an autoscaler by anything but CPU': {
    spec: { record, gateway: { autoscaling: { mode: 'Lag' } } },
    says: 'supported values: "CPU", "Off"',
  },
  ...backupRefusals,
  ...callerRefusals,
  ...modeRefusals,
  ...growthRefusals,
  ...versionRefusals,
  ...networkRefusals,
  'a retention without unit': {
    spec: { record, kafka: { topic: { retention: '7' } } },
    says: 'spec.kafka.topic.retention',
  },
  'another partition interval': {
    before: partitioned({ interval: 'Month' }),
    spec: partitioned({ interval: 'Hour' }),
    says: 'postgres.partitioning.interval cannot change',
  },
  'another interval than the built-in one': {
    before: partitioned({}),
    spec: partitioned({ interval: 'Hour' }),
    says: 'postgres.partitioning.interval cannot change',
  },
  'another interval by leaving it out': {
    before: partitioned({ interval: 'Hour' }),
    spec: partitioned({ interval: null }),
    says: 'postgres.partitioning.interval cannot change',
  },
  'partitions by what there is not': {
    spec: partitioned({ by: 'Range' }),
    says: 'supported values: "Time", "Hash"',
  },
  'an id that is no pointer': { spec: named('number'), says: 'spec.record.id' },
  'another id': { before: named('/a'), spec: named('/b'), says: 'record.id cannot change' },
  'an id that comes later': { before: { record }, spec: named('/a'), says: 'record.id cannot change' },
  'an id that goes': { before: named('/a'), spec: named(null), says: 'record.id cannot change' },
  'partitions by time with natural ids': {
    spec: named('/a', { by: 'Time' }),
    says: 'with record.id or mode Upsert the id of a record carries no time',
  },
  'partitions by hash without natural ids': {
    spec: partitioned({ by: 'Hash' }),
    says: 'set record.id or record.mode Upsert, or leave by out',
  },
  'a retention with natural ids': {
    spec: named('/a', { retain: '30d' }),
    says: 'interval, premake and retain belong to partitions by time',
  },
  'a number of partitions without natural ids': {
    spec: partitioned({ partitions: 4 }),
    says: 'set record.id or record.mode Upsert, or leave partitions out',
  },
  'another number of partitions': {
    before: named('/a', { partitions: 4 }),
    spec: named('/a', { partitions: 8 }),
    says: 'postgres.partitioning.partitions cannot change',
  },
  'partitions that are not sixteen any more': {
    before: named('/a'),
    spec: named('/a', { partitions: 17 }),
    says: 'postgres.partitioning.partitions cannot change',
  },
  'a smaller Kafka volume': {
    before: kafkaStorage({ size: '1Ti' }),
    spec: kafkaStorage({ size: '900Gi' }),
    says: 'storage.size can only grow',
  },
  'a smaller Postgres volume': {
    before: postgresStorage({ size: '2Gi' }),
    spec: postgresStorage({ size: '2000Mi' }),
    says: 'storage.size can only grow',
  },
  'another storage class': {
    before: kafkaStorage({ className: 'a' }),
    spec: kafkaStorage({ className: 'b' }),
    says: 'storage.className cannot change',
  },
  ...providerRefusals,
  'a CPU request above its limit': {
    spec: { record, gateway: { resources: resources('1500m', 1) } },
    says: 'requests.cpu is above limits.cpu',
  },
  'a memory request above its limit': {
    spec: { record, redis: { managed: { resources: memory('1Gi', '1023Mi') } } },
    says: 'requests.memory is above limits.memory',
  },
  'a label of the operator': {
    spec: { record, reader: { pod: { labels: { 'app.kubernetes.io/name': 'x' } } } },
    says: 'belong to the operator',
  },
}

test.each(Object.entries(refusals))('refuses %s', async (sentence, { before, spec, name, says }) => {
  const metadata = {
    name:
      name ??
      sentence
        .toLowerCase()
        .replaceAll(/[^a-z]+/g, '-')
        .slice(0, 38),
    namespace,
  }
  const object = (wanted: object) => ({
    input: JSON.stringify({
      apiVersion: 'dataservice.dev/v1alpha1',
      kind: 'DataService',
      metadata,
      spec: wanted,
    }),
  })
  if (before) await kubectl(['create', '-f', '-'], object(before))
  const change = before
    ? [
        '--namespace',
        namespace,
        'patch',
        'dsvc',
        metadata.name,
        '--type=merge',
        '-p',
        JSON.stringify({ spec }),
      ]
    : ['create', '-f', '-']
  expect(await refusalOf(change, object(spec))).toContain(says)
})

test('every rule of the CRD has a row above', () => {
  const said = Object.values(refusals).map(row => row.says)
  const untested = messagesIn(dataServiceSchema()).filter(
    message => !said.some(says => message.includes(says)),
  )
  expect(untested).toEqual([])
})

test('the built-in way to cut the table may be written down later', async () => {
  const object = (name: string, spec: object) => ({
    input: JSON.stringify({
      apiVersion: 'dataservice.dev/v1alpha1',
      kind: 'DataService',
      metadata: { name, namespace },
      spec,
    }),
  })
  await kubectl(['create', '-f', '-'], object('by-time', { record }))
  await kubectl(
    ['replace', '-f', '-'],
    object('by-time', partitioned({ by: 'Time', interval: 'Day', premake: 7 })),
  )
  await kubectl(['create', '-f', '-'], object('by-hash', named('/a')))
  await kubectl(['replace', '-f', '-'], object('by-hash', named('/a', { by: 'Hash', partitions: 16 })))
})

test('what may change can change', async () => {
  const object = (spec: object) => ({
    input: JSON.stringify({
      apiVersion: 'dataservice.dev/v1alpha1',
      kind: 'DataService',
      metadata: { name: 'growing', namespace },
      spec,
    }),
  })
  await kubectl(
    ['create', '-f', '-'],
    object({ ...kafkaStorage({ size: '900Gi', className: 'a' }), replicas: 0 }),
  )
  const grown = {
    record: {
      schema: { type: 'object', properties: { a: { type: 'string', maxLength: 8 } } },
      indexes: [{ fields: ['/a'] }],
    },
    replicas: 50,
    kafka: {
      managed: { storage: { size: '1Ti', className: 'a' } },
      topic: { partitions: 7, retention: '1h' },
    },
    writer: { replicas: 7 },
    postgres: { managed: { instances: 5 }, partitioning: { retain: '30d', premake: 60 } },
    gateway: {
      autoscaling: { mode: 'Off', maxReplicas: 1 },
      authentication: { jwt, apiKeys: { secretRef: { name: 'a' } } },
      authorization: { scopes: { prefix: 'orders:' } },
      rateLimit: { requests: 100, per: 'Minute' },
      cors: { origins: ['*', 'https://a.test:8080'] },
      maxBodyBytes: 1024,
    },
    reader: { autoscaling: { maxReplicas: 1 } },
  }
  await kubectl(['replace', '-f', '-'], object(grown))
})

function messagesIn(value: unknown): string[] {
  if (typeof value !== 'object' || value === null) return []
  return Object.entries(value).flatMap(([key, each]) =>
    key === 'message' && typeof each === 'string' ? [each] : messagesIn(each),
  )
}
