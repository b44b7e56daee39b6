import { expect, test } from 'vitest'
import { decide } from '#operator/reconcile/decide.ts'
import type { ObservedEvent } from '#operator/reconcile/refusals.ts'
import { dataService, withSpec } from '#operator/testing/data-service.ts'
import { pod, waiting } from '#operator/testing/pods.ts'
import { factsOf, only, upAndRunning } from '#operator/testing/world.ts'
import { deriveStatus } from './derive.ts'

const owner = dataService(
  withSpec({
    gateway: {
      authentication: {
        apiKeys: { secretRef: { name: 'orders-callers' } },
        jwt: { issuer: 'i', audiences: ['orders'], jwksSecretRef: { name: 'issuer' } },
      },
    },
  }),
)

const stuck = pod({ owner: 'gateway', name: 'orders-gateway-a', container: waiting('ContainerCreating') })
const pods = [{ ...stuck, metadata: { ...stuck.metadata, uid: 'uid-1' } }]
const event = (note: string, second = 1, reason = 'FailedMount'): ObservedEvent => ({
  apiVersion: 'events.k8s.io/v1',
  kind: 'Event',
  metadata: { name: `e${second}`, namespace: 'shop' },
  regarding: { uid: 'uid-1' },
  reason,
  note,
  deprecatedLastTimestamp: `2026-01-01T00:00:0${second}Z`,
})
const missing = 'MountVolume.SetUp failed for volume "api-keys" : secret "orders-callers" not found'

/** Gateways have begun to roll out. */
function conditions(events: readonly ObservedEvent[], service = owner) {
  const world = upAndRunning(
    service,
    only('Deployment', 'orders-gateway', child => ({
      ...child,
      status: { ...child.status, readyReplicas: 0, updatedReplicas: 1 },
    })),
  )
  const facts = factsOf({ ...world, pods, events })
  const status = deriveStatus({
    facts,
    plan: decide(facts),
    result: { failures: [], written: 0 },
    now: new Date(0),
    progress: { kind: 'reached' },
  })
  const of = (type: string) => status.conditions?.find(each => each.type === type)
  return { gateway: of('GatewayReady'), stalled: of('Stalled') }
}

test('a missing Secret is named with its place in the spec, and somebody has to act', () => {
  const { gateway, stalled } = conditions([event('something else', 0, 'Scheduled'), event(missing)])
  expect([gateway?.status, gateway?.reason, gateway?.message]).toEqual([
    'False',
    'SecretMissing',
    'pod orders-gateway-a waits for Secret orders-callers: secret "orders-callers" not found. Create it in namespace ' +
      'shop, or correct spec.gateway.authentication.apiKeys.secretRef; the pod then starts within two minutes',
  ])
  expect([stalled?.status, stalled?.reason]).toEqual(['True', 'GatewaySecretMissing'])
})

test('a Secret without its entry is told apart', () => {
  const note = 'MountVolume.SetUp failed for volume "key-set" : references non-existent secret key: jwks.json'
  expect(conditions([event(missing), event(note, 2)]).gateway?.message).toContain(
    'pod orders-gateway-a waits for Secret issuer with the entry jwks.json: references non-existent secret key: jwks.json.',
  )
})

test('another volume is no matter of the user, and an open gateway is not asked about', () => {
  const other = event('MountVolume.SetUp failed for volume "settings" : configmap "x" not found')
  expect(conditions([other]).gateway?.reason).toBe('RollingOut')
  expect(conditions([event(missing)], dataService()).gateway?.reason).toBe('RollingOut')
})

test('a gateway that is open says so', () => {
  const message = (service: typeof owner) => {
    const facts = factsOf(upAndRunning(service))
    const run = {
      facts,
      plan: decide(facts),
      result: { failures: [], written: 0 },
      now: new Date(0),
      progress: { kind: 'reached' as const },
    }
    return deriveStatus(run).conditions?.find(({ type }) => type === 'GatewayReady')?.message
  }
  expect(message(dataService())).toBe(
    'Deployment orders-gateway: 3 of 3 pods ready; it serves everybody who reaches it (spec.gateway.authentication is not set)',
  )
  expect(message(owner)).toBe('Deployment orders-gateway: 3 of 3 pods ready')
})

test('a Secret of an external Redis is named to those who mount it', () => {
  const external = { host: 'cache.test', port: 6379, secretRef: { name: 'cache' } }
  const service = dataService(withSpec({ redis: { external } }))
  const stuckReader = pod({
    owner: 'reader',
    name: 'orders-reader-a',
    container: waiting('ContainerCreating'),
  })
  const unready = only('Deployment', 'orders-reader', child => ({
    ...child,
    status: { ...child.status, readyReplicas: 0, updatedReplicas: 1 },
  }))
  const facts = factsOf({
    ...upAndRunning(service, unready),
    pods: [{ ...stuckReader, metadata: { ...stuckReader.metadata, uid: 'uid-1' } }],
    events: [event('MountVolume.SetUp failed for volume "redis-access" : secret "cache" not found')],
  })
  const result = { failures: [], written: 0 }
  const { conditions: found } = deriveStatus({
    facts,
    plan: decide(facts),
    result,
    now: new Date(0),
    progress: { kind: 'reached' },
  })
  const reader = found?.find(({ type }) => type === 'ReaderReady')
  expect(reader?.reason).toBe('SecretMissing')
  expect(reader?.message).toContain('Secret cache: secret "cache" not found. Create it in namespace shop')
})
