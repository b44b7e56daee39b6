/** Writers after the lag, against a real API server: pods and what they tell are played. Nobody else's number is fought for. */
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { DataService } from '#crds/v1alpha1/resource.ts'
import { progressText, type WriterLoad } from '#dataservice/contract/writer-progress.ts'
import { kubectl, newNamespace } from '#e2e/control-plane/inject.ts'
import { settledIn } from '#e2e/scenarios/settled.ts'
import { childLabels } from './desired/labels.ts'
import { deployedParts, engineParts } from './desired/names.ts'
import { inMemoryReadiness } from './pods/in-memory.ts'
import { type RunningOperator, runOperator } from './testing/api-server.ts'
import { smallestManifest } from './testing/data-service.ts'
import { patchStatus, playMigration, playPods } from './testing/played.ts'
import { behind } from './testing/writer-load.ts'

const patience = 20_000
const readiness = inMemoryReadiness()
let namespace = ''
let operator: RunningOperator
const inNamespace = (...args: string[]): Promise<string> => kubectl(['-n', namespace, ...args])
const writers = (): Promise<string> =>
  inNamespace('get', 'deployment/orders-writer', '-o', 'jsonpath={.spec.replicas}')
const settled = <T>(check: () => Promise<T>): Promise<T> => settledIn(patience, check)
/** Wakes the loop; at rest it looks every 15 or 45 seconds. */
const wake = (): Promise<string> =>
  inNamespace('annotate', 'dsvc/orders', '--overwrite', `example.test/note=${Math.random()}`)

beforeAll(async () => {
  namespace = await newNamespace('writer-scaling')
  operator = await runOperator(namespace, readiness)
  const manifest = JSON.parse(smallestManifest)
  manifest.spec.writer = { replicas: 1, autoscaling: { mode: 'Lag', maxReplicas: 4 } }
  await kubectl(['-n', namespace, 'apply', '-f', '-'], { input: JSON.stringify(manifest) })
  for (const part of engineParts) await settled(() => playPods(namespace, `statefulset/orders-${part}`))
  await settled(() => playMigration(namespace))
  await settled(async () => {
    for (const part of deployedParts) await playPods(namespace, `deployment/orders-${part}`)
    expect(await writers()).toBe('1')
  })
})
afterAll(() => operator.stop())

/** A writer pod that runs and tells this. */
async function writer(number: number, load: WriterLoad): Promise<void> {
  const name = `orders-writer-${number}`
  const manifest = {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name, labels: childLabels('orders', 'writer') },
    spec: { serviceAccountName: 'orders-writer', containers: [{ name: 'writer', image: 'x:1' }] },
  }
  const address = `10.9.9.${number}`
  readiness.stored.set(address, progressText({ stored: new Map(), load }))
  await kubectl(['-n', namespace, 'apply', '-f', '-'], { input: JSON.stringify(manifest) })
  await patchStatus(namespace, `pod/${name}`, {
    phase: 'Running',
    podIP: address,
    podIPs: [{ ip: address }],
    conditions: [{ type: 'Ready', status: 'True' }],
  })
}

async function scaling() {
  const { status } = JSON.parse(await inNamespace('get', 'dsvc/orders', '-o', 'json')) as DataService
  return status?.scaling?.writer
}

test('a writer that is behind gets company, once, and the status says since when', async () => {
  await writer(1, behind)
  await settled(async () => expect(await writers()).toBe('2'))
  await settled(async () => expect(await scaling()).toMatchObject({ from: 1, recordsPerSecond: 1_000 }))
  await playPods(namespace, 'deployment/orders-writer')
  await writer(2, { ...behind, storing: 0 })
  await wake()
  // Two writers that store no more than one did: it is Postgres that is slow.
  await settled(async () => expect(await scaling()).toMatchObject({ limitedBy: 'Database', from: 1 }))
  expect(await writers()).toBe('2')
})

test('kubectl scale holds within the bounds, and is put back beyond them', async () => {
  await inNamespace('scale', 'deployment/orders-writer', '--replicas=3')
  await settled(async () => {
    await playPods(namespace, 'deployment/orders-writer')
    await wake()
    expect(await writers()).toBe('3')
  })
  await inNamespace('scale', 'deployment/orders-writer', '--replicas=6')
  await settled(async () => expect(await writers()).toBe('4'))
})

test('an autoscaler of others on the writer takes over, and hands back without a dip', async () => {
  await inNamespace('autoscale', 'deployment/orders-writer', '--name=keda', '--min=1', '--max=8', '--cpu=50%')
  await settled(async () => expect(await scaling()).toBeUndefined())
  await inNamespace('scale', 'deployment/orders-writer', '--replicas=6') // as theirs would
  await wake()
  await settled(async () => {
    const condition = await inNamespace(
      'get',
      'dsvc/orders',
      '-o',
      'jsonpath={.status.conditions[?(@.type=="Scaling")].message}',
    )
    expect(condition).toContain('writer: HorizontalPodAutoscaler keda')
  })
  expect(await writers()).toBe('6')
  await inNamespace('delete', 'hpa/keda')
  await settled(async () => expect(await writers()).toBe('4'))
})

test('with mode CPU it is an autoscaler of ours, with Off the number of the spec', async () => {
  const mode = (autoscaling: object) =>
    inNamespace(
      'patch',
      'dsvc/orders',
      '--type=merge',
      '-p',
      JSON.stringify({ spec: { writer: { autoscaling } } }),
    )
  await mode({ mode: 'CPU' })
  await settled(async () =>
    expect(
      await inNamespace('get', 'hpa/orders-writer', '-o', 'jsonpath={.spec.minReplicas}-{.spec.maxReplicas}'),
    ).toBe('1-4'),
  )
  await mode({ mode: 'Off' })
  await settled(async () => expect(await writers()).toBe('1'))
  expect(await inNamespace('get', 'hpa', '-o', 'name')).not.toContain('orders-writer')
})
