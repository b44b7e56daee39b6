/** Consumers against a real API server; Kafka's administration is the twin, pods are played by hand. */
import { afterAll, beforeAll, expect, test } from 'vitest'
import { apiVersion, type DataService, kind } from '#crds/v1alpha1/resource.ts'
import { kubectl, newNamespace } from '#e2e/control-plane/inject.ts'
import { settledIn } from '#e2e/scenarios/settled.ts'
import { operatorRequests, type RunningOperator, runOperator } from './testing/api-server.ts'
import { smallestSpec } from './testing/data-service.ts'

let namespace = ''
let operator: RunningOperator
beforeAll(async () => {
  namespace = await newNamespace('consumers')
  operator = await runOperator(namespace)
  const spec = { ...smallestSpec, consumers: [{ name: 'billing' }, { name: 'taken' }] }
  await inNamespace('create', 'secret', 'generic', 'orders-binding-taken', '--from-literal=username=x')
  await kubectl(['-n', namespace, 'apply', '-f', '-'], {
    input: JSON.stringify({ apiVersion, kind, metadata: { name: 'orders' }, spec }),
  })
})
afterAll(() => operator.stop())

const patience = 30_000
const inNamespace = (...args: string[]): Promise<string> => kubectl(['-n', namespace, ...args])
const service = async (): Promise<DataService> =>
  JSON.parse(await inNamespace('get', 'dsvc/orders', '-o', 'json')) as DataService
const condition = async (type: string): Promise<string> => {
  const found = (await service()).status?.conditions?.find(each => each.type === type)
  return `${found?.status}/${found?.reason}: ${found?.message}`
}
const ask = (consumers: readonly object[]): Promise<string> =>
  inNamespace('patch', 'dsvc/orders', '--type=merge', '-p', JSON.stringify({ spec: { consumers } }))
const bindings = async (): Promise<string[]> =>
  (await inNamespace('get', 'secrets', '-o', 'name')).split('\n').filter(name => name.includes('-binding-'))

async function entries(): Promise<Record<string, string>> {
  const { data } = JSON.parse(await inNamespace('get', 'secret/orders-binding-billing', '-o', 'json')) as {
    data: Record<string, string>
  }
  return Object.fromEntries(
    Object.entries(data).map(([key, text]) => [key, Buffer.from(text, 'base64').toString()]),
  )
}

/** The one broker is up, with whatever it was told last. */
const played = async (): Promise<void> => {
  const { metadata } = JSON.parse(await inNamespace('get', 'statefulset/orders-kafka', '-o', 'json')) as {
    metadata: { generation: number }
  }
  const status = {
    observedGeneration: metadata.generation,
    replicas: 1,
    readyReplicas: 1,
    updatedReplicas: 1,
    availableReplicas: 1,
  }
  const patch = JSON.stringify({ status })
  await inNamespace('patch', 'statefulset/orders-kafka', '--subresource=status', '--type=merge', '-p', patch)
}

test('a Secret is made beside the children; one of somebody else is left alone and said by name', async () => {
  await settledIn(patience, async () =>
    expect(await condition('Stalled')).toMatch(/^True.NotOwned: Secret .*orders-binding-taken exists/),
  )
  expect(await inNamespace('get', 'secret/orders-binding-taken', '-o', 'jsonpath={.data}')).toBe(
    '{"username":"eA=="}',
  )
  expect(await entries()).toMatchObject({
    type: 'kafka',
    bootstrapServers: `orders-kafka-0.orders-kafka.${namespace}.svc:9094`,
    topic: `${namespace}.orders.events`,
    securityProtocol: 'SASL_PLAINTEXT',
    username: expect.stringMatching(new RegExp(`^${namespace}\\.orders\\.billing\\.[0-9a-f]{8}$`)),
    password: expect.stringMatching(/^[0-9a-f]{64}$/),
  })
  expect(await inNamespace('get', 'networkpolicy/orders-kafka', '-o', 'json')).toContain(
    '"dataservice.dev/consumes": "orders"',
  )
})

test('Kafka knows its user as soon as a broker is up; the password is nowhere else', async () => {
  await ask([{ name: 'billing' }])
  await played()
  const { username = '', password = '' } = await entries()
  await settledIn(patience, async () => expect(await condition('ConsumersReady')).toMatch(/^True.Ready/))
  expect([...operator.topics.passwords]).toEqual([[username, password]])
  const shown = await inNamespace('get', 'dsvc,events,configmaps,statefulsets', '-o', 'json')
  expect(shown).not.toContain(password)
  expect(shown).not.toContain(Buffer.from(password).toString('base64'))
})

test('at rest no Secret is written, and what is asked about Kafka costs the API server nothing', async () => {
  const requests = async () =>
    (await operatorRequests(namespace)).filter(({ objectRef }) => objectRef?.resource === 'secrets').length
  const before = await requests()
  await inNamespace('annotate', 'dsvc/orders', 'example.test/note=1')
  const { metadata } = await service()
  await settledIn(patience, async () =>
    expect((await service()).status?.observedGeneration).toBe(metadata.generation),
  )
  expect(await requests()).toBe(before)
})

test('one that goes loses its user, then its Secret; the other one of that name stays as it was', async () => {
  await ask([])
  await settledIn(patience, async () => {
    await played()
    expect(await bindings()).toEqual(['secret/orders-binding-taken'])
    expect((await service()).status?.consumers).toBeUndefined()
  })
  expect(operator.topics.passwords.size).toBe(0)
  await settledIn(patience, async () =>
    expect(await inNamespace('get', 'configmap/orders-kafka-config', '-o', 'json')).not.toContain(
      'CONSUMERS',
    ),
  )
})
