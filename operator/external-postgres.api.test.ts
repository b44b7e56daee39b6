/** A Postgres that others run, against a real API server: what is made, and what is said when it cannot be used. */
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
  namespace = await newNamespace('external-postgres')
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
  await create({
    apiVersion: 'dataservice.dev/v1alpha1',
    kind: 'DataService',
    metadata: { name: 'orders' },
    spec: { ...smallestSpec, postgres: { external } },
  })
}, 60_000)
afterAll(() => operator.stop())

async function service(): Promise<DataService> {
  return JSON.parse(await inNamespace('get', 'dsvc/orders', '-o', 'json')) as DataService
}

async function database(): Promise<string> {
  const found = (await service()).status?.conditions?.find(({ type }) => type === 'DatabaseReady')
  return `${found?.status}/${found?.reason} ${found?.message}`
}

const jobs = (): Promise<string> => inNamespace('get', 'job', '-o', 'name')

test('no Postgres of ours is made, and the migration does not wait for one', async () => {
  await settledIn(patience, async () => {
    expect(await jobs()).toMatch(/orders-migrate-/)
    expect(await database()).toContain('False/Migrating')
  })
  expect(await inNamespace('get', 'sts,svc,cm,pdb,sa,networkpolicy', '-o', 'name')).not.toContain(
    'orders-postgres',
  )
  expect((await service()).status?.providers).toEqual({
    kafka: 'managed',
    postgres: 'external',
    redis: 'managed',
  })
  const mounted = await inNamespace('get', 'job', '-o', 'jsonpath={..secretName}')
  expect(mounted.split(' ')).toEqual(['orders-credentials', 'db', 'db-ca'])
})

test('what the migration could not do is the cause of all, and somebody has to act', async () => {
  const [job = ''] = (await jobs()).split('/').slice(1)
  const name = 'orders-migrate-pod'
  const labels = { ...childLabels('orders', 'migrate'), 'batch.kubernetes.io/job-name': job.trim() }
  const container = { name: 'migrate', image: 'example.test/dataservice:1' }
  await create({
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name, labels },
    spec: { serviceAccountName: 'orders-jobs', automountServiceAccountToken: false, containers: [container] },
  })
  const text = 'Postgres db.example.com:5432: the user of postgres.external.secretRef needs CREATEROLE'
  const terminated = { exitCode: 1, message: `RightsMissing: ${text}\n` }
  const state = { waiting: { reason: 'CrashLoopBackOff' } }
  const seen = { ...container, imageID: '', ready: false, restartCount: 1, state, lastState: { terminated } }
  const status = JSON.stringify({ status: { containerStatuses: [seen] } })
  await inNamespace('patch', `pod/${name}`, '--subresource=status', '--type=merge', '-p', status)
  await settledIn(patience, async () =>
    expect(await database()).toBe(
      `False/RightsMissing ${text}. Give them there; it is tried again within five minutes`,
    ),
  )
  const { conditions } = (await service()).status ?? {}
  const stalled = conditions?.find(({ type }) => type === 'Stalled')
  expect(`${stalled?.status}/${stalled?.reason}`).toBe('True/RightsMissing')
})

test('the operator never asks for a Secret of the user', async () => {
  const asked = (await operatorRequests(namespace))
    .filter(({ objectRef }) => objectRef?.resource === 'secrets')
    .map(({ objectRef }) => objectRef?.name)
  expect([...new Set(asked)].toSorted()).toEqual(['orders-credentials', 'orders-identity'])
})
