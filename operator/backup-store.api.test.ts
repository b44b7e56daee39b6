/** Backups with a second place, on a real API server: what is made for it, and what the condition tells. */
import { afterAll, beforeAll, expect, test } from 'vitest'
import { apiVersion } from '#crds/v1alpha1/operation.ts'
import { mirrorLine } from '#dataservice/contract/mirror.ts'
import { kubectl, newNamespace } from '#e2e/control-plane/inject.ts'
import { settledIn } from '#e2e/scenarios/settled.ts'
import { childLabels } from './desired/labels.ts'
import { deployedParts, engineParts } from './desired/names.ts'
import { inMemoryReadiness } from './pods/in-memory.ts'
import { type RunningOperator, runOperator } from './testing/api-server.ts'
import { smallestSpec } from './testing/data-service.ts'
import { patchStatus, playMigration, playPods } from './testing/played.ts'

const patience = 20_000
const address = '10.1.2.4'
const readiness = inMemoryReadiness()
let namespace = ''
let operator: RunningOperator
const inNamespace = (...args: string[]): Promise<string> => kubectl(['-n', namespace, ...args])
const apply = (object: object): Promise<string> =>
  kubectl(['-n', namespace, 'apply', '-f', '-'], { input: JSON.stringify(object) })
const play = (what: string, ready?: number): Promise<void> =>
  settledIn(patience, () => playPods(namespace, what, ready))

const told = async (): Promise<string> => {
  const condition = '{.status.conditions[?(@.type=="BackupReady")]}'
  const found = JSON.parse(await inNamespace('get', 'dsvc/orders', '-o', `jsonpath=${condition}`))
  return `${found.status}/${found.reason}: ${found.message}`
}

beforeAll(async () => {
  namespace = await newNamespace('backup-store')
  operator = await runOperator(namespace, readiness)
  await apply({
    apiVersion,
    kind: 'DataService',
    metadata: { name: 'orders' },
    spec: {
      ...smallestSpec,
      backup: { s3: { bucket: 'backups', endpoint: 'http://minio.test:9000', secretRef: { name: 'keys' } } },
    },
  })
})
afterAll(() => operator.stop())

test('the pod that copies has the keys; who archives and who has a password of Postgres has not', async () => {
  for (const part of engineParts) await play(`statefulset/orders-${part}`)
  await play('statefulset/orders-backup')
  const holding = '{range .items[*]}{.metadata.name} {..secret.secretName}{"\\n"}{end}'
  const found = await inNamespace('get', 'sts,cronjob', '-o', `jsonpath=${holding}`)
  const lines = found.trim().split('\n')
  expect(lines.filter(line => line.includes('keys'))).toEqual(['orders-backup-s3 keys'])
  const settings = await inNamespace('get', 'cm/orders-backup-config', '-o', 'jsonpath={.data.mirror\\.json}')
  const uid = await inNamespace('get', 'dsvc/orders', '-o', 'jsonpath={.metadata.uid}')
  expect(JSON.parse(settings)).toMatchObject({
    ...{ uid, bucket: 'backups', prefix: `${namespace}/orders`, region: 'us-east-1' },
    endpoint: 'http://minio.test:9000',
  })
})

test('why it is not copied is told as its pod says it, until it is', async () => {
  await settledIn(patience, async () => expect(await told()).toMatch(/^False\/StoreBehind: bucket backups/))
  const manifest = {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name: 'orders-backup-s3-0', labels: childLabels('orders', 'backup-s3') },
    spec: { serviceAccountName: 'orders-jobs', containers: [{ name: 'upload', image: 'x:1' }] },
  }
  const text = 'bucket backups answers 403: correct the keys'
  readiness.says.set(address, { ready: false, text: mirrorLine({ reason: 'StoreRefused', text }) })
  await kubectl(['-n', namespace, 'create', '-f', '-'], { input: JSON.stringify(manifest) })
  const conditions = [{ type: 'Ready', status: 'False' }]
  await patchStatus(namespace, 'pod/orders-backup-s3-0', {
    ...{ phase: 'Running', podIP: address, podIPs: [{ ip: address }], conditions },
  })
  await settledIn(patience, async () => expect(await told()).toContain(`False/StoreRefused: ${text}`))
  await play('statefulset/orders-backup-s3')
  await settledIn(patience, async () =>
    expect(await told()).toContain('copied to bucket backups at http://minio.test:9000'),
  )
})

test('a copy is made while the store is away; without a second place its pod goes', async () => {
  await play('statefulset/orders-backup-s3', 0)
  await apply({
    apiVersion,
    kind: 'DataServiceOperation',
    metadata: { name: 'now' },
    spec: { dataService: 'orders', type: 'Backup' },
  })
  await settledIn(patience, async () =>
    expect(await inNamespace('get', 'dsop/now', '-o', 'jsonpath={.status.phase}')).toBe('Running'),
  )
  await settledIn(patience, () => playMigration(namespace))
  for (const part of deployedParts) await play(`deployment/orders-${part}`)
  await inNamespace('patch', 'dsvc/orders', '--type=merge', '-p', '{"spec":{"backup":{"s3":null}}}')
  await settledIn(patience, async () => {
    expect(await inNamespace('get', 'sts/orders-backup-s3', '--ignore-not-found', '-o', 'name')).toBe('')
    expect(await told()).toMatch(/^True\/Archiving: every change is archived as it happens; /)
  })
})
