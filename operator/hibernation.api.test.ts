/** Hibernation against a real API server; pods and their controllers are played by hand. */
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
  namespace = await newNamespace('hibernation')
  operator = await runOperator(namespace)
  await kubectl(['-n', namespace, 'apply', '-f', '-'], { input: smallestManifest })
  for (const part of engineParts) await play(`statefulset/orders-${part}`)
  await settledIn(patience, () => playMigration(namespace))
  await settledIn(patience, async () => {
    for (const part of deployedParts) await playPods(namespace, `deployment/orders-${part}`)
    expect(await ready()).toBe('True/Ready')
  })
})
afterAll(() => operator.stop())

const patience = 20_000
const inNamespace = (...args: string[]): Promise<string> => kubectl(['-n', namespace, ...args])
const play = (what: string): Promise<void> => settledIn(patience, () => playPods(namespace, what))
const pods = (what: string): Promise<string> => inNamespace('get', what, '-o', 'jsonpath={.spec.replicas}')
const wish = (lifecycle: string): Promise<string> =>
  inNamespace('patch', 'dsvc/orders', '--type=merge', '-p', JSON.stringify({ spec: { lifecycle } }))

async function service(): Promise<DataService> {
  return JSON.parse(await inNamespace('get', 'dsvc/orders', '-o', 'json')) as DataService
}

async function ready(): Promise<string> {
  const found = (await service()).status?.conditions?.find(({ type }) => type === 'Ready')
  return `${found?.status}/${found?.reason}`
}

const toSleep = [
  'deployment/orders-gateway',
  'deployment/orders-writer',
  'deployment/orders-reader',
  'statefulset/orders-redis',
  'statefulset/orders-postgres',
  'statefulset/orders-kafka',
]

/** Waits until a workload is asked for this many pods, which its controller then has. */
async function comesTo(what: string, number: string): Promise<void> {
  await settledIn(patience, async () => expect(await pods(what)).toBe(number))
  await play(what)
}

test('records that are not stored hold it; then each part goes after the one before', async () => {
  await inNamespace('scale', 'deployment/orders-writer', '--replicas=4')
  await comesTo('deployment/orders-writer', '4')
  operator.topics.filled.set(`${namespace}.orders.events`, [5])
  await wish('Hibernated')
  await settledIn(patience, async () => expect(await inNamespace('get', 'hpa', '-o', 'name')).toBe(''))
  await comesTo('deployment/orders-gateway', '0')
  await settledIn(patience, async () => expect(await ready()).toBe('False/LogNotStored'))
  expect(await pods('deployment/orders-writer')).toBe('4')
  operator.topics.filled.clear()
  for (const [index, what] of toSleep.entries()) {
    await comesTo(what, '0')
    const later = toSleep[index + 2]
    if (later !== undefined) expect(await pods(later)).not.toBe('0')
  }
  await settledIn(patience, async () => expect(await ready()).toBe('True/Hibernated'))
  expect((await service()).status?.hibernation?.replicas).toEqual({ gateway: 3, writer: 4, reader: 3 })
  expect(await inNamespace('get', 'cronjob/orders-maintain', '-o', 'jsonpath={.spec.suspend}')).toBe('true')
})

test('an operator that was just started leaves it asleep and asks for nothing', async () => {
  await operator.stop()
  const before = (await writes()).length
  operator = await runOperator(namespace)
  await inNamespace('annotate', 'dsvc/orders', 'example.test/note=1')
  await settledIn(patience, async () => expect(await ready()).toBe('True/Hibernated'))
  expect((await writes()).length).toBe(before)
})

test('it wakes the other way round with the numbers it had', async () => {
  await operator.topics.change({ servers: ['x'] }, [])
  await wish('Running')
  const numbers = ['1', '1', '1', '3', '4', '3']
  for (const [index, what] of toSleep.toReversed().entries()) await comesTo(what, numbers[index] ?? '')
  await settledIn(patience, async () => expect(await ready()).toBe('True/Ready'))
  await settledIn(patience, async () => expect((await service()).status?.hibernation).toBeUndefined())
  expect(await inNamespace('get', 'hpa', '-o', 'name')).not.toBe('')
  expect(await inNamespace('get', 'cronjob/orders-maintain', '-o', 'jsonpath={.spec.suspend}')).toBe('false')
})

test('another word is refused', async () => {
  await expect(wish('Paused')).rejects.toThrow(/Running.*Hibernated/s)
})

/** The operator's writes but those of the status, once no new one came between two looks. */
async function writes() {
  let last = -1
  return settledIn(patience, async () => {
    const all = await operatorRequests(namespace)
    const some = all.filter(({ verb }) => ['patch', 'create', 'update', 'delete'].includes(verb))
    const quiet = some.length === last
    last = some.length
    expect(quiet).toBe(true)
    return some
  })
}
