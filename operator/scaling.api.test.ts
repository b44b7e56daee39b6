/** The number of pods against a real API server, where no autoscaler works: its part is played by hand. */
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { DataService } from '#crds/v1alpha1/resource.ts'
import { kubectl, newNamespace } from '#e2e/control-plane/inject.ts'
import { settledIn } from '#e2e/scenarios/settled.ts'
import { deployedParts, engineParts } from './desired/names.ts'
import { operatorRequests, type RunningOperator, runOperator } from './testing/api-server.ts'
import { smallestManifest } from './testing/data-service.ts'
import { playMigration, playPods } from './testing/played.ts'

let namespace = ''
let operator: RunningOperator
beforeAll(async () => {
  namespace = await newNamespace('scaling')
  operator = await runOperator(namespace)
  await kubectl(['-n', namespace, 'apply', '-f', '-'], { input: smallestManifest })
  await comesUp()
})
afterAll(() => operator.stop())

const patience = 20_000
const inNamespace = (...args: string[]): Promise<string> => kubectl(['-n', namespace, ...args])
const field = (what: string, path: string): Promise<string> =>
  inNamespace('get', what, '--ignore-not-found', '-o', `jsonpath={${path}}`)
const bounds = (): Promise<string> =>
  inNamespace(
    'get',
    'hpa',
    '-o',
    'jsonpath={range .items[*]}{.metadata.name} {.spec.minReplicas}-{.spec.maxReplicas} {end}',
  )
const gateways = (): Promise<string> => field('deployment/orders-gateway', '.spec.replicas')
const settled = (check: () => Promise<void>): Promise<void> => settledIn(patience, check)

async function scaling(): Promise<string> {
  const { status } = JSON.parse(await inNamespace('get', 'dsvc/orders', '-o', 'json')) as DataService
  const found = status?.conditions?.find(({ type }) => type === 'Scaling')
  return `${found?.status}/${found?.reason} ${found?.message}`
}

test('gateway and reader have an autoscaler each, 3 to 50; the writer has none', async () => {
  await settled(async () => expect(await bounds()).toBe('orders-gateway 3-50 orders-reader 3-50 '))
  expect(await gateways()).toBe('3')
  await settled(async () =>
    expect(await scaling()).toMatch(/^True\/AutoscaledByCPU gateway: .*orders-gateway/),
  )
})

test('the operator leaves a number that the autoscaler moved, and figures wake nobody', async () => {
  await inNamespace('scale', 'deployment/orders-gateway', '--replicas=7')
  const before = await requests()
  const figures = (percent: number) => ({
    currentReplicas: 7,
    desiredReplicas: 7,
    currentMetrics: [
      {
        type: 'Resource',
        resource: { name: 'cpu', current: { averageUtilization: percent, averageValue: '9m' } },
      },
    ],
  })
  for (const percent of [30, 31, 32]) {
    const patch = JSON.stringify({ status: figures(percent) })
    await inNamespace('patch', 'hpa/orders-gateway', '--subresource=status', '--type=merge', '-p', patch)
  }
  await kubectl(['-n', namespace, 'annotate', 'dsvc/orders', 'example.test/note=1']) // wakes the loop once
  await settled(async () => expect((await requests()).length).toBe(before.length))
  expect(await gateways()).toBe('7')
})

test('kubectl scale raises the floor, acts at once, and never lowers what the autoscaler chose', async () => {
  await inNamespace('scale', 'dsvc/orders', '--replicas=9')
  await settled(async () => expect(await bounds()).toContain('orders-gateway 9-50'))
  await settled(async () => expect(await gateways()).toBe('9'))
  await inNamespace('scale', 'dsvc/orders', '--replicas=4')
  await settled(async () => expect(await bounds()).toContain('orders-gateway 4-50'))
  expect(await gateways()).toBe('9')
})

test('0 is set and left by the operator, because an autoscaler sleeps there', async () => {
  await inNamespace('scale', 'dsvc/orders', '--replicas=0')
  await settled(async () => expect(await gateways()).toBe('0'))
  await settled(async () => expect(await bounds()).toContain('orders-gateway 1-50'))
  await inNamespace('scale', 'dsvc/orders', '--replicas=3')
  await settled(async () => expect(await gateways()).toBe('3'))
  await settled(async () => expect(await bounds()).toContain('orders-gateway 3-50'))
})

test('an autoscaler of others on the DataService: ours goes, replicas is exact, ours returns', async () => {
  await inNamespace('autoscale', 'dsvc/orders', '--min=2', '--max=8', '--cpu=50%')
  await settled(async () => expect(await bounds()).toBe('orders 2-8 orders-reader 3-50 '))
  await settled(async () =>
    expect(await scaling()).toMatch(/^True\/ForeignAutoscaler gateway: .*moves spec\.replicas/),
  )
  await inNamespace('scale', 'dsvc/orders', '--replicas=6') // as theirs would
  await settled(async () => expect(await gateways()).toBe('6'))
  await inNamespace('scale', 'dsvc/orders', '--replicas=2')
  await settled(async () => expect(await gateways()).toBe('2'))
  await inNamespace('delete', 'hpa/orders')
  await settled(async () => expect(await bounds()).toBe('orders-gateway 2-50 orders-reader 3-50 '))
})

test('an autoscaler of others on the Deployment: ours goes and the number is theirs', async () => {
  await inNamespace(
    'autoscale',
    'deployment/orders-gateway',
    '--name=keda',
    '--min=1',
    '--max=8',
    '--cpu=50%',
  )
  await settled(async () => expect(await bounds()).toBe('keda 1-8 orders-reader 3-50 '))
  await settled(async () => expect(await scaling()).toMatch(/^True\/ForeignAutoscaler gateway: .*keda;/))
  await inNamespace('scale', 'deployment/orders-gateway', '--replicas=1')
  await inNamespace('scale', 'dsvc/orders', '--replicas=5')
  await settled(async () => {
    const seen = await field('dsvc/orders', '.status.observedGeneration')
    expect(seen).toBe(await field('dsvc/orders', '.metadata.generation'))
  })
  expect(await gateways()).toBe('1')
  await inNamespace('delete', 'hpa/keda')
  await settled(async () => expect(await bounds()).toContain('orders-gateway 5-50'))
  await settled(async () => expect(await gateways()).toBe('5'))
})

test('without an autoscaler replicas is exact', async () => {
  const off = { spec: { gateway: { autoscaling: { mode: 'Off' } } } }
  await inNamespace('patch', 'dsvc/orders', '--type=merge', '-p', JSON.stringify(off))
  await settled(async () => expect(await bounds()).toBe('orders-reader 3-50 '))
  await inNamespace('scale', 'deployment/orders-gateway', '--replicas=9')
  await settled(async () => expect(await gateways()).toBe('5'))
})

/** From its engines to its Deployments, as fast as the operator follows. */
async function comesUp(): Promise<void> {
  const play = (what: string) => settledIn(patience, () => playPods(namespace, what))
  for (const part of engineParts) await play(`statefulset/orders-${part}`)
  await settledIn(patience, () => playMigration(namespace))
  for (const part of deployedParts) await play(`deployment/orders-${part}`)
}

/** The operator's requests but watches and status, once no new one came between two looks. */
async function requests() {
  let last = -1
  return settledIn(patience, async () => {
    const all = await operatorRequests(namespace)
    const some = all.filter(({ verb, objectRef }) => verb !== 'watch' && objectRef?.subresource !== 'status')
    const quiet = some.length === last
    last = some.length
    expect(quiet).toBe(true)
    return some
  })
}
