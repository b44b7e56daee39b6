/** Instances of the cache against a real API server: how many there are, what pods are told of them, and what is said. */
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { DataService } from '#crds/v1alpha1/resource.ts'
import { parseSettings } from '#dataservice/contract/settings.ts'
import { kubectl, newNamespace } from '#e2e/control-plane/inject.ts'
import { settledIn } from '#e2e/scenarios/settled.ts'
import { deployedParts, engineParts } from './desired/names.ts'
import { type RunningOperator, runOperator } from './testing/api-server.ts'
import { smallestManifest } from './testing/data-service.ts'
import { playMigration, playPods } from './testing/played.ts'

const patience = 20_000
let namespace = ''
let operator: RunningOperator
beforeAll(async () => {
  namespace = await newNamespace('caches')
  operator = await runOperator(namespace)
  await kubectl(['-n', namespace, 'apply', '-f', '-'], { input: smallestManifest })
  for (const part of engineParts) await play(`statefulset/orders-${part}`)
  await settledIn(patience, () => playMigration(namespace))
  for (const part of deployedParts) await play(`deployment/orders-${part}`)
})
afterAll(() => operator.stop())

const inNamespace = (...args: string[]): Promise<string> => kubectl(['-n', namespace, ...args])
const play = (what: string, ready?: number): Promise<void> =>
  settledIn(patience, () => playPods(namespace, what, ready))
const field = (what: string, path: string): Promise<string> =>
  inNamespace('get', what, '-o', `jsonpath={${path}}`)

const wish = (instances: number | null): Promise<string> => {
  const spec = { redis: { managed: { instances } } }
  return inNamespace('patch', 'dsvc/orders', '--type=merge', '-p', JSON.stringify({ spec }))
}

async function cacheReady(): Promise<string> {
  const { status } = JSON.parse(await inNamespace('get', 'dsvc/orders', '-o', 'json')) as DataService
  const found = status?.conditions?.find(({ type }) => type === 'CacheReady')
  return `${found?.status}/${found?.reason}: ${found?.message}`
}

async function toldHosts(): Promise<string[]> {
  const { cache } = parseSettings(await field('configmap/orders-settings', String.raw`.data.settings\.json`))
  return [cache, ...(cache.peers ?? [])].map(({ host, port }) => `${host}:${port}`)
}

const host = (ordinal: number): string => `orders-redis-${ordinal}.orders-redis.${namespace}.svc:6379`
const reader = (): Promise<string> =>
  field(
    'deployment/orders-reader',
    String.raw`.spec.template.metadata.annotations.dataservice\.dev/config-hash`,
  )

test.each([
  [1, '', [0]],
  [2, '60', [0, 1]],
  [3, '60', [0, 1, 2]],
  [1, '', [0]],
] as const)(
  '%i instances: pods, what readers are told, and when one follows the other',
  async (count, waits, told) => {
    const before = await reader()
    const isChanged = (await field('statefulset/orders-redis', '.spec.replicas')) !== String(count)
    await wish(count)
    await settledIn(patience, async () => {
      expect(await field('statefulset/orders-redis', '.spec.replicas')).toBe(String(count))
      expect(await toldHosts()).toEqual(told.map(host))
    })
    // Settings that differ are rolled out after a migration.
    if (isChanged) await settledIn(patience, () => playMigration(namespace))
    await settledIn(patience, async () => expect((await reader()) === before).toBe(!isChanged))
    expect(await field('statefulset/orders-redis', '.spec.minReadySeconds')).toBe(waits)
    expect(await field('pdb/orders-redis', '.spec.maxUnavailable')).toBe('1')
    await play('statefulset/orders-redis')
    await settledIn(patience, async () =>
      expect(await cacheReady()).toBe(
        `True/Ready: StatefulSet orders-redis: ${count} of ${count} pods ready`,
      ),
    )
  },
)

test('one of two that is away is told', async () => {
  await wish(2)
  await settledIn(patience, async () =>
    expect(await field('statefulset/orders-redis', '.spec.replicas')).toBe('2'),
  )
  await play('statefulset/orders-redis', 1)
  await settledIn(patience, async () =>
    expect(await cacheReady()).toMatch(/^False\/PodsNotReady: StatefulSet orders-redis: 1 of 2 pods ready/),
  )
})

test.each([0, 4])('%i instances are refused', async count => {
  await expect(wish(count)).rejects.toThrow(/spec\.redis\.managed\.instances/)
})

test('without a word there is one', async () => {
  await wish(null)
  await settledIn(patience, async () =>
    expect(await field('statefulset/orders-redis', '.spec.replicas')).toBe('1'),
  )
})
