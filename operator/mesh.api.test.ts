/** A mesh against a real API server with the CRDs that Istio publishes; no proxy runs. */
import { afterAll, beforeAll, expect, test } from 'vitest'
import { kubectl, newNamespace } from '#e2e/control-plane/inject.ts'
import { ensureDefinitions } from '#e2e/definitions/definitions.ts'
import { settledIn } from '#e2e/scenarios/settled.ts'
import { operatorRequests, type RunningOperator, runOperator } from './testing/api-server.ts'
import { smallestSpec } from './testing/data-service.ts'
import { tenantOf } from './testing/tenant.ts'
import { playUntil } from './testing/whole-stack.ts'

const patience = 120_000
let namespace = ''
let operator: RunningOperator
let definitions: string[] = []
const files = () => definitions.flatMap(file => ['-f', file])
const { inNamespace, create, condition, names, patch } = tenantOf(() => namespace)

beforeAll(async () => {
  definitions = await ensureDefinitions('istio')
  namespace = await newNamespace('mesh')
  operator = await runOperator(namespace)
}, 120_000)
afterAll(async () => {
  await operator.stop()
  await kubectl(['delete', ...files(), '--ignore-not-found', '--wait=false'])
})

const comesTo = (type: string, text: RegExp): Promise<void> =>
  settledIn(patience, async () => expect(await condition('orders', type)).toMatch(text))
const rules = (): Promise<string[]> => names('destinationrules.networking.istio.io')
const inForce = (): Promise<string> =>
  inNamespace('get', 'dsvc/orders', '-o', 'jsonpath={.status.security.tls}')
const ofService = (name: string, path: string): Promise<string> =>
  inNamespace('get', `service/${name}`, '-o', `jsonpath=${path}`)

test('plain hops ask nothing of Istio, and become those of a mesh only while the service sleeps', async () => {
  await create('orders', smallestSpec)
  await playUntil(namespace, patience, async () =>
    expect(await condition('orders', 'Ready')).toMatch(/^True\/Ready/),
  )
  await patch('dsvc/orders', { spec: { security: { tls: 'Mesh' } } })
  await comesTo('Stalled', /^True\/CannotChange security\.tls is Off and would become Mesh/)
  await patch('dsvc/orders', { spec: { security: null, lifecycle: 'Hibernated' } })
  await playUntil(namespace, patience, async () =>
    expect(await condition('orders', 'Ready')).toMatch(/^True\/Hibernated/),
  )
  await patch('dsvc/orders', { spec: { security: { tls: 'Mesh' } } })
  await comesTo('Encrypted', /^False\/KindMissing .*Istio.*install Istio, 1\.24/)
  await kubectl(['apply', '--server-side', ...files()])
  await comesTo('Encrypted', /^True\/Mesh /)
  await patch('dsvc/orders', { spec: { lifecycle: 'Running' } })
  await playUntil(namespace, patience, async () =>
    expect(await condition('orders', 'Ready')).toMatch(/^True\/Ready/),
  )
  expect(await inForce()).toBe('Mesh')
}, 500_000)

test('each Service has a rule, its ports say what is spoken, and pods ask for a proxy', async () => {
  expect((await rules()).map(name => name.split('/')[1])).toEqual([
    'orders-gateway',
    'orders-kafka',
    'orders-postgres',
    'orders-postgres-rw',
    'orders-reader',
    'orders-redis',
  ])
  expect(await ofService('orders-gateway', '{.spec.ports[*].appProtocol}')).toBe('http')
  expect(await ofService('orders-kafka', '{.spec.ports[*].appProtocol}')).toBe('tcp tcp')
  const peers = 'jsonpath={.spec.mtls.mode} {.spec.portLevelMtls}'
  expect(await inNamespace('get', 'peerauthentications.security.istio.io/orders', '-o', peers)).toBe(
    'STRICT {"9090":{"mode":"PERMISSIVE"}}',
  )
  const labels = 'jsonpath={.spec.template.metadata.labels}'
  expect(await inNamespace('get', 'statefulset/orders-kafka', '-o', labels)).toContain(
    'sidecar.istio.io/inject',
  )
})

/** Writes of what Istio reads, once no new one came between two looks. */
async function writes(): Promise<number> {
  const kinds = ['destinationrules', 'peerauthentications']
  let last = -1
  return settledIn(patience, async () => {
    const all = await operatorRequests(namespace)
    const found = all.filter(
      ({ verb, objectRef }) =>
        !['get', 'list', 'watch'].includes(verb) && kinds.includes(objectRef?.resource ?? ''),
    ).length
    const isQuiet = found === last
    last = found
    expect(isQuiet).toBe(true)
    return found
  })
}

test('what somebody changes is put back, and then nothing is written', async () => {
  await patch('peerauthentications.security.istio.io/orders', { spec: { mtls: { mode: 'PERMISSIVE' } } })
  await inNamespace('delete', 'destinationrules.networking.istio.io/orders-kafka')
  await settledIn(patience, async () => {
    const mode = ['get', 'peerauthentications.security.istio.io/orders', '-o', 'jsonpath={.spec.mtls.mode}']
    expect(await inNamespace(...mode)).toBe('STRICT')
    expect(await rules()).toHaveLength(6)
  })
  const before = await writes()
  await inNamespace('annotate', 'dsvc/orders', 'example.test/note=1')
  expect(await writes()).toBe(before)
})

test('without a mesh again, nothing of it is left', async () => {
  await patch('dsvc/orders', { spec: { lifecycle: 'Hibernated' } })
  await playUntil(namespace, patience, async () =>
    expect(await condition('orders', 'Ready')).toMatch(/^True\/Hibernated/),
  )
  await patch('dsvc/orders', { spec: { security: { tls: 'Off' }, lifecycle: 'Running' } })
  await playUntil(namespace, patience, async () => {
    expect(await condition('orders', 'Ready')).toMatch(/^True\/Ready/)
    expect(await rules()).toEqual([])
  })
  expect(await condition('orders', 'Encrypted')).toMatch(/^False\/HopsPlain/)
  expect(await ofService('orders-kafka', '{.spec.ports[*].appProtocol}')).toBe('')
  const peers = await inNamespace('get', 'peerauthentications.security.istio.io', '-o', 'name')
  expect(peers).toBe('')
}, 500_000)
