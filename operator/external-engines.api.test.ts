/** Engines that others run, against a real API server: what is made, and what is said when they cannot be used. */
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { DataService } from '#crds/v1alpha1/resource.ts'
import { kubectl, newNamespace } from '#e2e/control-plane/inject.ts'
import { settledIn } from '#e2e/scenarios/settled.ts'
import { childLabels } from './desired/labels.ts'
import { operatorRequests, type RunningOperator, runOperator } from './testing/api-server.ts'
import { smallestSpec } from './testing/data-service.ts'

let namespace = ''
let operator: RunningOperator
const patience = 20_000
const inNamespace = (...args: string[]): Promise<string> => kubectl(['-n', namespace, ...args])
const create = (object: object): Promise<string> =>
  kubectl(['-n', namespace, 'apply', '--validate=strict', '-f', '-'], { input: JSON.stringify(object) })

beforeAll(async () => {
  namespace = await newNamespace('external-engines')
  operator = await runOperator(namespace)
  const data = { username: 'cGxhdGZvcm0=', password: 'Z2l2ZW4=' }
  await create({ apiVersion: 'v1', kind: 'Secret', metadata: { name: 'db' }, data })
  const external = {
    host: 'db.example.com',
    replica: { host: 'db-ro.example.com' },
    database: 'services',
    secretRef: { name: 'db' },
    tls: { caSecretRef: { name: 'db-ca' } },
  }
  const kafka = {
    external: {
      bootstrapServers: ['kafka.example.com:9093'],
      scram: { secretRef: { name: 'kafka' } },
      tls: { clientCertificateRef: { name: 'kafka-certificate' } },
    },
  }
  await create({
    apiVersion: 'dataservice.dev/v1alpha1',
    kind: 'DataService',
    metadata: { name: 'orders' },
    spec: { ...smallestSpec, kafka, postgres: { external } },
  })
}, 60_000)
afterAll(() => operator.stop())

async function service(): Promise<DataService> {
  return JSON.parse(await inNamespace('get', 'dsvc/orders', '-o', 'json')) as DataService
}

async function condition(name: string): Promise<string> {
  const found = (await service()).status?.conditions?.find(({ type }) => type === name)
  return `${found?.status}/${found?.reason} ${found?.message}`
}

const jobs = (): Promise<string> => inNamespace('get', 'job', '-o', 'name')

test('no engine of ours is made but Redis, and the migration does not wait for any', async () => {
  await settledIn(patience, async () => {
    expect(await jobs()).toMatch(/orders-migrate-/)
    expect(await condition('DatabaseReady')).toContain('False/Migrating')
    expect(await condition('LogReady')).toBe('True/External others run Kafka kafka.example.com:9093')
    expect(await condition('TopicsReady')).toContain('False/WaitingForDatabase')
  })
  const made = await inNamespace('get', 'sts,svc,cm,pdb,sa,networkpolicy', '-o', 'name')
  expect(made).not.toMatch(/orders-(kafka|postgres)/)
  expect((await service()).status?.providers).toEqual({
    kafka: 'external',
    postgres: 'external',
    redis: 'managed',
  })
  const mounted = await inNamespace('get', 'job', '-o', 'jsonpath={..secretName}')
  expect(mounted.split(' ')).toEqual(['orders-credentials', 'db', 'db-ca', 'kafka', 'kafka-certificate'])
})

const podName = 'orders-migrate-pod'
const container = { name: 'migrate', image: 'example.test/dataservice:1' }

/** The migration ended with these words, and is about to be started again. */
async function said(message: string): Promise<void> {
  const lastState = { terminated: { exitCode: 1, message: `${message}\n` } }
  const state = { waiting: { reason: 'CrashLoopBackOff' } }
  const seen = { ...container, imageID: '', ready: false, restartCount: 1, state, lastState }
  const status = JSON.stringify({ status: { containerStatuses: [seen] } })
  await inNamespace('patch', `pod/${podName}`, '--subresource=status', '--type=merge', '-p', status)
}

test('what the migration could not do is the cause of all, and somebody has to act', async () => {
  const [job = ''] = (await jobs()).split('/').slice(1)
  const labels = { ...childLabels('orders', 'migrate'), 'batch.kubernetes.io/job-name': job.trim() }
  await create({
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name: podName, labels },
    spec: { serviceAccountName: 'orders-jobs', automountServiceAccountToken: false, containers: [container] },
  })
  const rights = 'the user of the given Secret needs CREATEROLE'
  await said(`RightsMissing: Postgres db.example.com:5432: ${rights}`)
  await settledIn(patience, async () => {
    expect(await condition('DatabaseReady')).toBe(
      `False/RightsMissing Postgres db.example.com:5432: ${rights}. Give them there; it is tried again within five minutes`,
    )
    expect(await condition('Stalled')).toContain('True/RightsMissing')
  })
  await said('TopicExists: Kafka kafka.example.com:9093: topic a is there already')
  await settledIn(patience, async () => {
    expect(await condition('DatabaseReady')).toContain('False/Migrating')
    expect(await condition('TopicsReady')).toContain(
      'False/TopicExists Kafka kafka.example.com:9093: topic a',
    )
    expect(await condition('Stalled')).toContain('True/TopicExists')
  })
})

test('the operator never asks for a Secret of the user', async () => {
  const asked = (await operatorRequests(namespace))
    .filter(({ objectRef }) => objectRef?.resource === 'secrets')
    .map(({ objectRef }) => objectRef?.name)
  expect([...new Set(asked)].toSorted()).toEqual(['orders-credentials', 'orders-identity'])
})
