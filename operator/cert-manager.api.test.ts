/** Certificates of cert-manager against a real API server with the CRDs that it publishes; cert-manager itself is played. */
import { X509Certificate } from 'node:crypto'
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { DataService } from '#crds/v1alpha1/resource.ts'
import { kubectl, newNamespace } from '#e2e/control-plane/inject.ts'
import { ensureDefinitions } from '#e2e/definitions/definitions.ts'
import { settledIn } from '#e2e/scenarios/settled.ts'
import { operatorRequests, type RunningOperator, runOperator } from './testing/api-server.ts'
import { playCertManager, renewCertificate } from './testing/cert-manager.ts'
import { smallestSpec } from './testing/data-service.ts'
import { tenantOf } from './testing/tenant.ts'
import { playUntil } from './testing/whole-stack.ts'

const patience = 120_000
let namespace = ''
let operator: RunningOperator
let definitions: string[] = []
const files = () => definitions.flatMap(file => ['-f', file])
const { inNamespace, read, create, condition, names, patch } = tenantOf(() => namespace)

beforeAll(async () => {
  definitions = await ensureDefinitions('cert-manager')
  namespace = await newNamespace('cert-manager')
  operator = await runOperator(namespace)
}, 120_000)
afterAll(async () => {
  await operator.stop()
  await kubectl(['delete', ...files(), '--ignore-not-found', '--wait=false'])
})

const service = (): Promise<DataService> => read('dsvc/orders')
const comesTo = (type: string, text: RegExp): Promise<void> =>
  settledIn(patience, async () => expect(await condition('orders', type)).toMatch(text))
const issued = 'certificates.cert-manager.io'

/** Writes of the operator, but those of the status and of events. */
async function writes(resources?: readonly string[]): Promise<string[]> {
  const all = await operatorRequests(namespace)
  return all
    .filter(({ verb, objectRef }) => !['get', 'list', 'watch'].includes(verb) && !objectRef?.subresource)
    .filter(({ objectRef }) => objectRef?.resource !== 'events')
    .filter(({ objectRef }) => resources?.includes(objectRef?.resource ?? '') ?? true)
    .map(({ verb, objectRef }) => `${verb} ${objectRef?.resource}/${objectRef?.name}`)
}

test('without cert-manager a condition says what to install, and everything else is made', async () => {
  await create('orders', { ...smallestSpec, security: { tls: 'CertManager' } })
  await comesTo('Stalled', /^True\/KindMissing .*cert-manager.*install cert-manager, 1\.15/)
  expect(await condition('orders', 'Encrypted')).toMatch(/^False\/KindMissing/)
  await settledIn(patience, async () =>
    expect(await names('statefulsets')).toContain('statefulset.apps/orders-kafka'),
  )
})

test('with it an authority and a certificate for each part are asked for, and the condition mirrors them', async () => {
  await kubectl(['apply', '--server-side', ...files()])
  await comesTo(
    'Encrypted',
    /^False\/CertificatesPending Certificate orders-authority is not ready\. .*does it run/,
  )
  expect((await names(issued)).length).toBe(9)
  await settledIn(patience, async () => expect(await playCertManager(namespace)).toBe(0))
  await comesTo('Encrypted', /^True\/CertificatesValid the certificates are valid until 20/)
  expect((await service()).status?.security).toEqual({ tls: 'CertManager' })
})

interface Stored {
  data: Record<string, string>
}

test('parts know each other by the same names as ever, and the operator has made no key', async () => {
  const entry = async (secret: string, name: string): Promise<string> => {
    const { data } = JSON.parse(await inNamespace('get', 'secret', secret, '-o', 'json')) as Stored
    return Buffer.from(data[name] ?? '', 'base64').toString()
  }
  const authority = new X509Certificate(await entry('orders-authority', 'tls.crt'))
  const kafka = new X509Certificate(await entry('orders-kafka-certificate', 'tls.crt'))
  expect(kafka.checkIssued(authority)).toBe(true)
  expect(kafka.checkHost(`orders-kafka-2.orders-kafka.${namespace}.svc`)).toBeDefined()
  expect(kafka.subject).toBe(`O=${namespace}\nOU=orders\nCN=kafka`)
  expect(await entry('orders-kafka-certificate', 'tls-combined.pem')).toMatch(
    /PRIVATE KEY-----\n\n-----BEGIN CERT/,
  )
  expect((await writes(['secrets'])).sort()).toEqual([
    'create secrets/orders-credentials',
    'create secrets/orders-identity',
  ])
  const mounted = await inNamespace('get', 'statefulset/orders-kafka', '-o', 'jsonpath={..secretName}')
  expect(mounted).toContain('orders-kafka-certificate')
})

test('what somebody changes is put back, and a renewal makes nobody write', async () => {
  await patch(`${issued}/orders-redis-certificate`, { spec: { duration: '24h' } })
  await inNamespace('delete', 'issuers.cert-manager.io/orders-authority')
  await settledIn(patience, async () => {
    const duration = ['get', `${issued}/orders-redis-certificate`, '-o', 'jsonpath={.spec.duration}']
    expect(await inNamespace(...duration)).toBe('2160h')
    expect(await names('issuers.cert-manager.io')).toHaveLength(2)
  })
  const before = await writes()
  await renewCertificate(namespace, 'orders-operator-certificate')
  await renewCertificate(namespace, 'orders-kafka-certificate')
  await inNamespace('annotate', 'dsvc/orders', 'example.test/note=1')
  await comesTo('Encrypted', /^True/)
  expect(await writes()).toEqual(before)
})

test('what cert-manager says of a failure is told', async () => {
  const failed = {
    reason: 'Failed',
    message: 'the request was denied',
    lastTransitionTime: '2026-01-01T00:00:00Z',
  }
  const path = '/status/conditions/-'
  const change = [{ op: 'add', path, value: { type: 'Issuing', status: 'False', ...failed } }]
  const to = ['patch', `${issued}/orders-writer-certificate`, '--subresource=status', '--type=json']
  await inNamespace(...to, '-p', JSON.stringify(change))
  await comesTo('Encrypted', /^True\/RenewalFails .*orders-writer-certificate.*the request was denied/)
  await renewCertificate(namespace, 'orders-writer-certificate')
  await comesTo('Encrypted', /^True\/CertificatesValid/)
})

test('it becomes another mode only while it sleeps; then nothing of cert-manager is asked for any more', async () => {
  await playUntil(namespace, patience, async () =>
    expect(await condition('orders', 'Ready')).toMatch(/^True\/Ready/),
  )
  await patch('dsvc/orders', { spec: { security: { tls: 'Internal' } } })
  await comesTo('Stalled', /^True\/CannotChange security\.tls is CertManager and would become Internal/)
  expect((await names(issued)).length).toBe(9)
  await patch('dsvc/orders', { spec: { security: { tls: 'CertManager' }, lifecycle: 'Hibernated' } })
  await playUntil(namespace, patience, async () =>
    expect(await condition('orders', 'Ready')).toMatch(/^True\/Hibernated/),
  )
  await patch('dsvc/orders', { spec: { security: { tls: 'Internal' } } })
  await comesTo('Encrypted', /^True\/CertificatesValid/)
  await patch('dsvc/orders', { spec: { lifecycle: 'Running' } })
  await playUntil(namespace, patience, async () => {
    expect(await condition('orders', 'Ready')).toMatch(/^True\/Ready/)
    expect(await names(`${issued},issuers.cert-manager.io`)).toEqual([])
  })
  const mounted = await inNamespace('get', 'statefulset/orders-kafka', '-o', 'jsonpath={..secretName}')
  expect(mounted).toContain('orders-certificates')
}, 500_000)
