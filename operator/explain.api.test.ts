/** What a user sees when pods do not come up, and what the two annotations do, against a real API server. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { DataService } from '#crds/v1alpha1/resource.ts'
import { kubectl, newNamespace } from '#e2e/control-plane/inject.ts'
import { settledIn } from '#e2e/scenarios/settled.ts'
import { childLabels } from './desired/labels.ts'
import { operatorRules } from './rbac.ts'
import { operatorRequests, type RunningOperator, runOperator } from './testing/api-server.ts'
import { smallestSpec } from './testing/data-service.ts'

let namespace = ''
let operator: RunningOperator
const patience = 20_000
const inNamespace = (...args: string[]): Promise<string> => kubectl(['-n', namespace, ...args])
const exists = async (what: string): Promise<boolean> =>
  (await inNamespace('get', what, '--ignore-not-found', '-o', 'name')) !== ''
const create = (object: object): Promise<string> =>
  kubectl(['-n', namespace, 'create', '-f', '-'], { input: JSON.stringify(object) })
const patchStatus = (what: string, status: object): Promise<string> =>
  inNamespace('patch', what, '--subresource=status', '--type=merge', '-p', JSON.stringify({ status }))

async function condition(type: string) {
  const { status } = JSON.parse(await inNamespace('get', 'dsvc/orders', '-o', 'json')) as DataService
  const found = status?.conditions?.find(each => each.type === type)
  return {
    state: found === undefined ? 'absent' : `${found.status}/${found.reason}`,
    message: found?.message ?? '',
  }
}

beforeAll(async () => {
  namespace = await newNamespace('explain')
  operator = await runOperator(namespace)
  const metadata = { name: 'orders' }
  await create({ apiVersion: 'dataservice.dev/v1alpha1', kind: 'DataService', metadata, spec: smallestSpec })
  await settledIn(patience, async () => expect(await exists('statefulset/orders-redis')).toBe(true))
}, 60_000)
afterAll(() => operator.stop())

describe('pods that do not come up', () => {
  test('an image that is missing is told with its remedy, as Stalled and as an event', async () => {
    await create({
      apiVersion: 'v1',
      kind: 'Pod',
      metadata: { name: 'orders-redis-0', labels: childLabels('orders', 'redis') },
      spec: {
        serviceAccountName: 'orders-redis',
        automountServiceAccountToken: false,
        containers: [{ name: 'redis', image: 'example.test/redis:none' }],
      },
    })
    const waiting = { reason: 'ErrImagePull', message: 'not found' }
    const container = {
      name: 'redis',
      image: 'example.test/redis:none',
      imageID: '',
      ready: false,
      restartCount: 0,
    }
    await patchStatus('pod/orders-redis-0', { containerStatuses: [{ ...container, state: { waiting } }] })
    await settledIn(patience, async () =>
      expect((await condition('CacheReady')).state).toBe('False/ImageMissing'),
    )
    expect((await condition('CacheReady')).message).toContain('RELATED_IMAGE_REDIS')
    expect((await condition('Stalled')).state).toBe('True/RedisImageMissing')
    await settledIn(patience, async () => {
      const events = await inNamespace(
        'get',
        'events.events.k8s.io',
        '-o',
        'jsonpath={range .items[*]}{.type}/{.reason} {end}',
      )
      expect(events).toContain('Warning/RedisImageMissing')
    })
  })

  test('it recovers by itself when the pod does', async () => {
    await inNamespace('delete', 'pod/orders-redis-0', '--force', '--grace-period=0')
    await settledIn(patience, async () => expect((await condition('Stalled')).state).toBe('False/Healthy'))
  })

  test('a quota that leaves a StatefulSet without pods is read from its event', async () => {
    const set = JSON.parse(await inNamespace('get', 'statefulset/orders-kafka', '-o', 'json'))
    await create({
      apiVersion: 'v1',
      kind: 'Event',
      metadata: { name: 'refused' },
      involvedObject: {
        apiVersion: 'apps/v1',
        kind: 'StatefulSet',
        namespace,
        name: 'orders-kafka',
        uid: set.metadata.uid,
      },
      reason: 'FailedCreate',
      type: 'Warning',
      message:
        'create Pod orders-kafka-0 failed error: pods "orders-kafka-0" is forbidden: exceeded quota: small',
      lastTimestamp: '2026-01-01T00:00:00Z',
    })
    await patchStatus('statefulset/orders-kafka', {
      replicas: 0,
      observedGeneration: set.metadata.generation,
    })
    await settledIn(patience, async () =>
      expect((await condition('LogReady')).state).toBe('False/QuotaExceeded'),
    )
    expect((await condition('Ready')).message).toContain('Raise the ResourceQuota')
  })
})

describe('annotations', () => {
  test('paused: nothing is put back until it is taken away', async () => {
    await inNamespace('annotate', 'dsvc/orders', 'dataservice.dev/paused=true')
    await settledIn(patience, async () =>
      expect((await condition('Paused')).state).toBe('True/PausedByAnnotation'),
    )
    await inNamespace('delete', 'service/orders-redis')
    await inNamespace('annotate', 'dsvc/orders', 'example.test/later=1')
    await inNamespace('label', 'statefulset/orders-redis', 'theirs=1') // wakes the loop once more
    expect(await exists('service/orders-redis')).toBe(false)
    await inNamespace('annotate', 'dsvc/orders', 'dataservice.dev/paused-')
    await settledIn(patience, async () => expect(await exists('service/orders-redis')).toBe(true))
    await settledIn(patience, async () => expect((await condition('Paused')).state).toBe('absent'))
  })

  test('restartedAt: a new value rolls the pods', async () => {
    await inNamespace('annotate', 'dsvc/orders', 'dataservice.dev/restartedAt=2026-01-01T00:00:00Z')
    const template = 'jsonpath={.spec.template.metadata.annotations.dataservice\\.dev/restartedAt}'
    await settledIn(patience, async () =>
      expect(await inNamespace('get', 'statefulset/orders-redis', '-o', template)).toBe(
        '2026-01-01T00:00:00Z',
      ),
    )
  })
})

test('every request is one that a rule of the table grants', async () => {
  const granted = new Set(
    operatorRules().flatMap(({ resources, verbs }) =>
      resources.flatMap(what => verbs.map(verb => `${verb} ${what}`)),
    ),
  )
  const used = (await operatorRequests(namespace)).map(({ verb, objectRef }) => {
    const { resource = '', subresource } = objectRef ?? {}
    return `${verb} ${subresource === undefined ? resource : `${resource}/${subresource}`}`
  })
  expect([...new Set(used)].filter(each => !granted.has(each))).toEqual([])
})
