/** DataServiceClasses against a real API server: who gets which, what a change does, and what it must not do. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { defaultAnnotation } from '#crds/v1alpha1/class.ts'
import type { DataService } from '#crds/v1alpha1/resource.ts'
import { kubectl, newNamespace, refusalOf } from '#e2e/control-plane/inject.ts'
import { settledIn } from '#e2e/scenarios/settled.ts'
import { operatorRequests, type RunningOperator, runOperator } from './testing/api-server.ts'
import { smallestSpec } from './testing/data-service.ts'

let namespace = ''
let operator: RunningOperator
beforeAll(async () => {
  namespace = await newNamespace('classes')
  operator = await runOperator(namespace)
})
afterAll(async () => {
  await operator.stop()
  await kubectl(['delete', 'dsclass', '--all'])
})

const settled = (check: () => Promise<void>): Promise<void> => settledIn(20_000, check)
const apply = (object: object) =>
  kubectl(['apply', '--validate=strict', '-f', '-'], { input: JSON.stringify(object) })

const service = (name: string, spec: object = {}, where = namespace) =>
  apply({
    apiVersion: 'dataservice.dev/v1alpha1',
    kind: 'DataService',
    metadata: { name, namespace: where },
    spec: { ...smallestSpec, ...spec },
  })

const serviceClass = (name: string, spec: object, isDefault = false) =>
  apply({
    apiVersion: 'dataservice.dev/v1alpha1',
    kind: 'DataServiceClass',
    metadata: { name, annotations: { [defaultAnnotation]: String(isDefault) } },
    spec,
  })

async function status(name: string, where = namespace): Promise<DataService['status']> {
  const found = JSON.parse(await kubectl(['-n', where, 'get', `dsvc/${name}`, '-o', 'json'])) as DataService
  return found.status
}
async function condition(name: string, type: string, where = namespace): Promise<string> {
  const found = (await status(name, where))?.conditions?.find(each => each.type === type)
  return `${found?.status}/${found?.reason}`
}
const field = (what: string, path: string): Promise<string> =>
  kubectl(['-n', namespace, 'get', what, '--ignore-not-found', '-o', `jsonpath={${path}}`])
const brokers = (name: string): Promise<string> => field(`statefulset/${name}-kafka`, '.spec.replicas')
const image = (name: string): Promise<string> =>
  field(`statefulset/${name}-redis`, '.spec.template.spec.containers[0].image')
const writes = async (): Promise<string[]> =>
  (await operatorRequests(namespace))
    .filter(
      ({ verb, objectRef }) =>
        ['create', 'delete', 'patch', 'update'].includes(verb) && objectRef?.subresource !== 'status',
    )
    .filter(({ objectRef }) => objectRef?.resource !== 'events')
    .map(({ verb, requestURI }) => `${verb} ${requestURI}`)

const managed = (kafka: object, redis: object = {}) => ({
  kafka: { managed: kafka },
  redis: { managed: redis },
})

describe('a class that a DataService names', () => {
  test('is asked for while it is not there, and nothing is made', async () => {
    await service('orders', { className: 'clustered' })
    await settled(async () => expect(await condition('orders', 'Stalled')).toBe('True/ClassMissing'))
    expect(await writes()).toEqual([])
    expect((await status('orders'))?.className).toBeUndefined()
  })

  test('is in force as soon as it comes, without anybody touching the DataService', async () => {
    await serviceClass('clustered', { ...managed({ brokers: 3 }), images: { redis: 'mirror.test/redis:8' } })
    await settled(async () => {
      expect(await brokers('orders')).toBe('3')
      expect(await image('orders')).toBe('mirror.test/redis:8')
      expect(await condition('orders', 'ClassReady')).toBe('True/Ready')
    })
    expect((await status('orders'))?.className).toBe('clustered')
    const row = await kubectl(['-n', namespace, 'get', 'dsvc', 'orders', '-o', 'wide'])
    expect(row).toMatch(/CLASS.*clustered/s)
  })

  test('reaches what uses it when it changes', async () => {
    await serviceClass('clustered', { ...managed({ brokers: 3 }), images: { redis: 'mirror.test/redis:9' } })
    await settled(async () => expect(await image('orders')).toBe('mirror.test/redis:9'))
  })

  test('cannot change what the volumes were made for: it is told, and nothing is written', async () => {
    const before = await writes()
    await serviceClass('clustered', managed({ brokers: 1 }))
    await settled(async () => expect(await condition('orders', 'Stalled')).toBe('True/CannotChange'))
    expect(await writes()).toEqual(before)
    await serviceClass('clustered', { ...managed({ brokers: 3 }), images: { redis: 'mirror.test/redis:9' } })
    await settled(async () => expect(await condition('orders', 'Stalled')).toBe('False/Healthy'))
  })

  test('may be deleted, and what runs goes on; then the DataService names another', async () => {
    const before = await writes()
    await kubectl(['delete', 'dsclass/clustered'])
    await settled(async () => expect(await condition('orders', 'Stalled')).toBe('True/ClassMissing'))
    expect(await writes()).toEqual(before)
    expect(await brokers('orders')).toBe('3')
    await serviceClass('other', managed({ brokers: 3 }))
    await service('orders', { className: 'other' })
    await settled(async () => expect(await condition('orders', 'ClassReady')).toBe('True/Ready'))
    expect((await status('orders'))?.className).toBe('other')
  })
})

test('a Redis of others: none of ours is made, and it stays with them', async () => {
  const external = { redis: { external: { host: 'cache.example.com', secretRef: { name: 'cache' } } } }
  await serviceClass('elsewhere', external)
  await service('cached', { className: 'elsewhere' })
  await settled(async () => expect(await condition('cached', 'CacheReady')).toBe('True/External'))
  expect(await kubectl(['-n', namespace, 'get', 'sts,svc,cm,pdb,sa', '-o', 'name'])).not.toContain(
    'cached-redis',
  )
  expect((await status('cached'))?.providers).toEqual({
    kafka: 'managed',
    postgres: 'managed',
    redis: 'external',
  })
  const before = await writes()
  await serviceClass('elsewhere', { redis: { managed: {} } })
  await settled(async () => expect(await condition('cached', 'Stalled')).toBe('True/ProviderChanged'))
  expect(await writes()).toEqual(before)
  await serviceClass('elsewhere', external)
  await settled(async () => expect(await condition('cached', 'Stalled')).toBe('False/Healthy'))
})

describe('a default class', () => {
  test('is that of DataServices made after it, and moves no other', async () => {
    await service('before')
    await settled(async () => expect((await status('before'))?.className).toBe('built-in'))
    await serviceClass('first', managed({ brokers: 3 }), true)
    await service('after')
    await settled(async () => expect(await brokers('after')).toBe('3'))
    expect((await status('after'))?.className).toBe('first')
    await settled(async () => expect(await brokers('before')).toBe('1'))
    expect((await status('before'))?.className).toBe('built-in')
  })

  test('beside a second one is told, until one of them gives the mark back', async () => {
    await serviceClass('second', {}, true)
    await settled(async () => expect(await condition('after', 'ClassReady')).toBe('False/SeveralDefaults'))
    expect((await status('after'))?.className).toBe('first')
    expect(await kubectl(['get', 'dsclass'])).toMatch(/^first +true .*\n(.*\n)*second +true /m)
    await serviceClass('second', {}, false)
    await settled(async () => expect(await condition('after', 'ClassReady')).toBe('True/Ready'))
  })

  test('is not that of a DataService that names none', async () => {
    await service('plain', { className: 'built-in' })
    await settled(async () => {
      expect(await brokers('plain')).toBe('1')
      expect((await status('plain'))?.className).toBe('built-in')
    })
  })
})

test('an operator of one namespace asks for no class, gives the built-in one, and refuses a name', async () => {
  const own = await newNamespace('classes-of-one')
  const confined = await runOperator(own, undefined, { classes: false })
  try {
    await service('free', {}, own)
    await service('named', { className: 'first' }, own)
    await settled(async () => {
      expect((await status('free', own))?.className).toBe('built-in')
      expect(await condition('named', 'Stalled', own)).toBe('True/ClassesNotSeen')
    })
  } finally {
    await confined.stop()
  }
})

test('a class cannot have the name that stands for none', async () => {
  const refused = {
    apiVersion: 'dataservice.dev/v1alpha1',
    kind: 'DataServiceClass',
    metadata: { name: 'built-in' },
  }
  const refusal = await refusalOf(['apply', '-f', '-'], { input: JSON.stringify(refused) })
  expect(refusal).toContain('a class cannot be called built-in')
})
