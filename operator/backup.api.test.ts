/** Backups and operations against a real API server; pods and their controllers are played by hand. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { apiVersion, kind, type Operation } from '#crds/v1alpha1/operation.ts'
import { kubectl, newNamespace, refusalOf } from '#e2e/control-plane/inject.ts'
import { settledIn } from '#e2e/scenarios/settled.ts'
import { engineParts } from './desired/names.ts'
import { type RunningOperator, runOperator } from './testing/api-server.ts'
import { smallestSpec } from './testing/data-service.ts'
import { patchStatus, playPods } from './testing/played.ts'

const patience = 20_000
let namespace = ''
let operator: RunningOperator
const inNamespace = (...args: string[]): Promise<string> => kubectl(['-n', namespace, ...args])
const apply = (object: object): Promise<string> =>
  kubectl(['-n', namespace, 'apply', '-f', '-'], { input: JSON.stringify(object) })
const refused = (object: object): Promise<string> =>
  refusalOf(['-n', namespace, 'apply', '-f', '-'], { input: JSON.stringify(object) })
const play = (what: string): Promise<void> => settledIn(patience, () => playPods(namespace, what))
const operation = (name: string, spec: object): object => ({ apiVersion, kind, metadata: { name }, spec })

async function seen(name: string): Promise<Operation> {
  return JSON.parse(await inNamespace('get', `dsop/${name}`, '-o', 'json')) as Operation
}

const told = async (name: string): Promise<string> => {
  const { status } = await seen(name)
  return `${status?.phase}: ${status?.message}`
}

const now = () => new Date().toISOString()
const ended = (type: string) => ({ type, status: 'True', lastProbeTime: now(), lastTransitionTime: now() })
const jobs = (): Promise<string> =>
  inNamespace('get', 'jobs', '-l', 'app.kubernetes.io/component=backup-job', '-o', 'name')

beforeAll(async () => {
  namespace = await newNamespace('backup')
  operator = await runOperator(namespace)
})
afterAll(() => operator.stop())

describe('what the API server takes', () => {
  const backup = { dataService: 'orders', type: 'Backup' }

  test('an operation with its defaults; of it only cancel may change, once', async () => {
    await apply(operation('kept', backup))
    expect((await seen('kept')).spec).toEqual({ ...backup, cancel: false })
    const changed = (spec: object) => refused(operation('kept', { ...backup, ...spec }))
    expect(await changed({ dataService: 'others' })).toContain('an operation cannot change')
    await apply(operation('kept', { ...backup, cancel: true }))
    expect(await changed({ cancel: false })).toContain('cannot go on: create another one')
  })

  test('a restore says one thing to go back to, and only a restore does', async () => {
    const time = '2026-01-01T00:00:00Z'
    const restore = (spec: object) => refused(operation('y', { ...backup, type: 'Restore', ...spec }))
    expect(await restore({ restore: { time, backup: '20260101T000000Z' } })).toContain('exclude each other')
    expect(await restore({ restore: { time: 'yesterday' } })).toContain('spec.restore.time')
    expect(await restore({ restore: { backup: '../../x' } })).toContain('spec.restore.backup')
    expect(await restore({ type: 'Backup', restore: { time } })).toContain('only type Restore does so')
  })

  test('a promotion names a pod that there may be, and only a promotion does', async () => {
    const promote = (spec: object) => refused(operation('z', { ...backup, type: 'Promote', ...spec }))
    expect(await promote({ promote: { instance: 5 } })).toContain('spec.promote.instance')
    expect(await promote({ promote: { instance: -1 } })).toContain('spec.promote.instance')
    expect(await promote({ type: 'Backup', promote: {} })).toContain('only type Promote asks')
  })

  test('no operation of a kind that there is not', async () => {
    expect(await refused(operation('x', { ...backup, type: 'Explode' }))).toContain('Unsupported value')
  })
})

test('one on a DataService that is not there waits for it; one that is cancelled ends', async () => {
  await apply(operation('early', { dataService: 'orders', type: 'Backup' }))
  await settledIn(patience, async () => {
    expect(await told('early')).toContain(
      `Pending: there is no DataService orders in namespace ${namespace}: `,
    )
    expect(await told('kept')).toBe('Cancelled: it was cancelled by spec.cancel')
  })
})

test('it is made when the archive is ready, told, and its Job goes', async () => {
  await apply({
    apiVersion,
    kind: 'DataService',
    metadata: { name: 'orders' },
    spec: { ...smallestSpec, backup: { volume: { size: '1Gi' } } },
  })
  for (const part of engineParts) await play(`statefulset/orders-${part}`)
  await settledIn(patience, async () => expect(await told('early')).toContain('the archive is not ready yet'))
  await play('statefulset/orders-backup')
  await settledIn(patience, async () => expect(await told('early')).toContain('Running: Job orders-op-'))
  const job = (await jobs()).trim()
  await patchStatus(namespace, job, {
    startTime: now(),
    completionTime: now(),
    succeeded: 1,
    conditions: [ended('SuccessCriteriaMet'), ended('Complete')],
  })
  await settledIn(patience, async () => expect(await told('early')).toContain('Succeeded: '))
  await settledIn(patience, async () => expect(await jobs()).toBe(''))
  const columns = (await inNamespace('get', 'dsop/early')).split('\n')[1]
  expect(columns).toMatch(/^early +Backup +orders +Succeeded +a copy was made and proved/)
})

test('what stands is left alone: nothing is written again', async () => {
  const conditions = 'jsonpath={.status.conditions[?(@.type=="BackupReady")].reason}'
  await settledIn(patience, async () =>
    expect(await inNamespace('get', 'dsvc/orders', '-o', conditions)).toBe('Archiving'),
  )
  const versions = async () =>
    inNamespace('get', 'sts,cronjob,configmap', '-o', 'jsonpath={.items[*].metadata.resourceVersion}')
  const before = await versions()
  await inNamespace('patch', 'dsvc/orders', '--type=merge', '-p', '{"spec":{"replicas":4}}')
  await settledIn(patience, async () =>
    expect(await inNamespace('get', 'dsvc/orders', '-o', 'jsonpath={.status.observedGeneration}')).toBe('2'),
  )
  expect(await versions()).toBe(before)
})
