/**
 * A Kafka that Strimzi runs, against a real API server with the CRDs that it publishes. Strimzi itself is played: the
 * statuses of its objects.
 */
import { afterAll, beforeAll, expect, test } from 'vitest'
import { kubectl, newNamespace } from '#e2e/control-plane/inject.ts'
import { ensureDefinitions } from '#e2e/definitions/definitions.ts'
import { settledIn } from '#e2e/scenarios/settled.ts'
import type { ObservedChild } from './desired/target.ts'
import { operatorRequests, type RunningOperator, runOperator } from './testing/api-server.ts'
import { smallestSpec } from './testing/data-service.ts'
import { patchStatus, playMigration, playPods } from './testing/played.ts'
import { tenantOf } from './testing/tenant.ts'

const patience = 30_000
const topics = 'kafkatopics.kafka.strimzi.io'
const users = 'kafkausers.kafka.strimzi.io'
let namespace = ''
let operator: RunningOperator
let definitions: string[] = []
const { inNamespace, read, create, patch, condition, names } = tenantOf(() => namespace)

beforeAll(async () => {
  definitions = await ensureDefinitions('strimzi')
  namespace = await newNamespace('delegated-kafka')
  operator = await runOperator(namespace)
}, 300_000)
afterAll(async () => {
  await operator.stop()
  await kubectl(['delete', 'crd', topics, users, '--ignore-not-found', '--wait=false'])
})

const topic = (name: string): Promise<ObservedChild> => read(`${topics}/${name}`)

/** As Strimzi tells it, of the newest spec. */
async function play(what: string, ready: object = { status: 'True' }): Promise<void> {
  const { metadata } = await read<ObservedChild>(what)
  const condition = { type: 'Ready', lastTransitionTime: '2026-01-01T00:00:00Z', ...ready }
  await patchStatus(namespace, what, { observedGeneration: metadata.generation, conditions: [condition] })
}

test('missing CRDs hold up the log alone, and with them Strimzi is asked for topics and a user', async () => {
  await create('orders', {
    ...smallestSpec,
    deletionPolicy: 'Delete',
    record: { ...smallestSpec.record, key: undefined, mode: 'Upsert' },
    kafka: { strimzi: { cluster: 'main' }, topic: { partitions: 4 } },
  })
  await settledIn(patience, async () => {
    expect(await condition('orders', 'LogReady')).toMatch(
      /^False\/KindMissing .*KafkaUser of Strimzi \(kafkausers\.kafka\.strimzi\.io, v1\): install Strimzi 1\.0/,
    )
    expect(await condition('orders', 'TopicsReady')).toMatch(/^False\/KindMissing .*KafkaTopic/)
    expect(await inNamespace('get', 'sts', '-o', 'name')).toContain('orders-postgres')
  })
  await kubectl(['apply', '--server-side', ...definitions.flatMap(file => ['-f', file])])
  await settledIn(patience, async () => {
    expect(await names(topics)).toEqual(
      ['changes', 'dead-letters', 'events', 'probe'].map(
        each => `kafkatopic.kafka.strimzi.io/orders-${each}`,
      ),
    )
    expect(await names(users)).toEqual(['kafkauser.kafka.strimzi.io/orders-kafka'])
  })
  const { spec, metadata } = await topic('orders-events')
  expect(metadata.labels['strimzi.io/cluster']).toBe('main')
  expect(metadata.ownerReferences?.map(({ kind }) => kind)).toEqual(['DataService'])
  expect(spec).toMatchObject({ topicName: `${namespace}.orders.events`, partitions: 4, replicas: 3 })
  expect(spec?.['config']).toMatchObject({ 'min.insync.replicas': '2', 'retention.ms': '604800000' })
  const user = await read<ObservedChild>(`${users}/orders-kafka`)
  const resource = (type: string) => ({ type, name: `${namespace}.orders.`, patternType: 'prefix' })
  expect(user.spec).toEqual({
    authentication: { type: 'scram-sha-512' },
    authorization: {
      type: 'simple',
      acls: [
        { resource: resource('topic'), operations: ['Read', 'Write', 'Describe', 'DescribeConfigs'] },
        { resource: resource('group'), operations: ['Read', 'Describe'] },
      ],
    },
  })
})

test('what Strimzi says is told, and what only somebody else can mend stalls', async () => {
  await settledIn(patience, async () =>
    expect(await condition('orders', 'LogReady')).toMatch(
      /^False\/EngineNotReady KafkaUser orders-kafka of Kafka main: Strimzi has not looked at it yet; is there a Kafka main/,
    ),
  )
  await play(`${users}/orders-kafka`)
  const message = 'Replication factor change not supported'
  await play(`${topics}/orders-events`, { status: 'False', reason: 'NotSupported', message })
  await settledIn(patience, async () => {
    expect(await condition('orders', 'LogReady')).toMatch(
      /^True\/Delegated KafkaUser orders-kafka of Kafka main/,
    )
    expect(await condition('orders', 'TopicsReady')).toContain(
      'False/EngineStalled KafkaTopic orders-events of Kafka main: NotSupported: Replication factor change not supported',
    )
    expect(await condition('orders', 'Stalled')).toMatch(/^True\/EngineStalled TopicsReady/)
  })
})

test('when they are ready the migration follows, and pods log in as the user by its Secret', async () => {
  await playPods(namespace, 'sts/orders-postgres')
  for (const name of ['events', 'dead-letters', 'probe', 'changes']) {
    expect(await inNamespace('get', 'job', '-o', 'name')).toBe('')
    await play(`${topics}/orders-${name}`)
  }
  await settledIn(patience, async () =>
    expect(await inNamespace('get', 'job', '-o', 'name')).toMatch(/orders-migrate-/),
  )
  const job = (await inNamespace('get', 'job', '-o', 'name')).trim()
  const mounted = await inNamespace('get', job, '-o', 'jsonpath={..secretName}')
  expect(mounted.split(' ')).toEqual(['orders-credentials', 'orders-kafka', 'main-cluster-ca-cert'])
  const settings = await inNamespace('get', 'cm/orders-settings', '-o', 'jsonpath={.data.settings\\.json}')
  expect(JSON.parse(settings).log).toMatchObject({
    brokers: [`main-kafka-bootstrap.${namespace}.svc:9093`],
    others: {
      mechanism: 'SCRAM-SHA-512',
      username: 'orders-kafka',
      topics: 'Given',
      tls: { ownAuthority: true },
    },
  })
  await playMigration(namespace)
  await settledIn(patience, async () => {
    expect(await condition('orders', 'TopicsReady')).toMatch(/^True\/Delegated KafkaTopic orders-events, /)
    expect(await inNamespace('get', 'deploy', '-o', 'name')).toContain('orders-gateway')
  })
  const secrets = (await operatorRequests(namespace))
    .filter(({ objectRef }) => objectRef?.resource === 'secrets')
    .map(({ objectRef }) => objectRef?.name)
  expect([...new Set(secrets)].toSorted()).toEqual(['orders-credentials', 'orders-identity'])
})

test('a consumer is a KafkaUser with the password of its Secret, and goes with it', async () => {
  await patch('dsvc/orders', { spec: { consumers: [{ name: 'billing' }] } })
  await settledIn(patience, async () =>
    expect(await names(users)).toContain('kafkauser.kafka.strimzi.io/orders-consumer-billing'),
  )
  const { spec } = await read<ObservedChild>(`${users}/orders-consumer-billing`)
  expect(spec?.['authentication']).toEqual({
    type: 'scram-sha-512',
    password: { valueFrom: { secretKeyRef: { name: 'orders-binding-billing', key: 'password' } } },
  })
  expect(await condition('orders', 'ConsumersReady')).toMatch(
    /^False\/EngineNotReady KafkaUser orders-consumer-billing/,
  )
  await play(`${users}/orders-consumer-billing`)
  await settledIn(patience, async () =>
    expect(await condition('orders', 'ConsumersReady')).toMatch(
      /^True\/Ready .*billing by Secret orders-binding-billing/,
    ),
  )
  const secret = await read<{ data: Record<string, string> }>('secret/orders-binding-billing')
  const entry = (name: string) => Buffer.from(secret.data[name] ?? '', 'base64').toString()
  expect(entry('username')).toBe('orders-consumer-billing')
  expect(entry('bootstrapServers')).toBe(`main-kafka-bootstrap.${namespace}.svc:9093`)
  await patch('dsvc/orders', { spec: { consumers: [] } })
  await settledIn(patience, async () => {
    expect(await names(users)).toEqual(['kafkauser.kafka.strimzi.io/orders-kafka'])
    expect(await names('secrets')).not.toContain('secret/orders-binding-billing')
    expect(await condition('orders', 'ConsumersReady')).toMatch(/^undefined/)
  })
})

test('settings are put back, partitions that somebody added stay, and more are asked for', async () => {
  const patch = { spec: { partitions: 9, config: { 'retention.ms': '1000' } } }
  await inNamespace('patch', `${topics}/orders-dead-letters`, '--type=merge', '-p', JSON.stringify(patch))
  await settledIn(patience, async () => {
    const { spec } = await topic('orders-dead-letters')
    expect(spec?.['config']).toMatchObject({ 'retention.ms': '604800000' })
  })
  expect((await topic('orders-dead-letters')).spec?.['partitions']).toBe(9)
  await play(`${topics}/orders-dead-letters`)
  const writes = async () =>
    (await operatorRequests(namespace)).filter(
      ({ objectRef, verb }) => objectRef?.resource === 'kafkatopics' && verb === 'patch',
    ).length
  const before = await writes()
  await play(`${topics}/orders-probe`, { status: 'True', message: 'again' })
  await inNamespace('annotate', 'dsvc/orders', 'dataservice.dev/plan=true')
  await settledIn(patience, async () =>
    expect(await condition('orders', 'Planned')).toContain('nothing would change'),
  )
  await inNamespace('annotate', 'dsvc/orders', 'dataservice.dev/plan-')
  expect(await writes()).toBe(before)
})

test('with Retain the topics have no owner, and those of somebody else are never taken', async () => {
  const foreign = {
    apiVersion: 'kafka.strimzi.io/v1',
    kind: 'KafkaTopic',
    metadata: { name: 'kept-probe', labels: { 'strimzi.io/cluster': 'main' } },
    spec: { partitions: 1, replicas: 1 },
  }
  await kubectl(['-n', namespace, 'apply', '-f', '-'], { input: JSON.stringify(foreign) })
  await create('kept', {
    ...smallestSpec,
    kafka: { strimzi: { cluster: 'main', listener: { port: 9092, tls: false } } },
  })
  await settledIn(patience, async () => {
    const { metadata } = await topic('kept-events')
    expect(metadata.ownerReferences).toBeUndefined()
    expect(metadata.annotations?.['dataservice.dev/retained']).toBe(`${namespace}/kept`)
    const user = await read<ObservedChild>(`${users}/kept-kafka`)
    expect(user.metadata.ownerReferences?.map(({ kind }) => kind)).toEqual(['DataService'])
    expect(await condition('kept', 'Stalled')).toMatch(
      /^True\/NotOwned KafkaTopic .*kept-probe exists and belongs/,
    )
  })
  expect((await topic('kept-probe')).spec).toEqual({ partitions: 1, replicas: 1 })
})
