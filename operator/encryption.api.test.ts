/** Certificates against a real API server; pods and their controllers are played by hand. */
import { X509Certificate } from 'node:crypto'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { apiVersion, type DataService, kind } from '#crds/v1alpha1/resource.ts'
import { kubectl, newNamespace } from '#e2e/control-plane/inject.ts'
import { settledIn } from '#e2e/scenarios/settled.ts'
import { lives } from './reconcile/certificates/renewal.ts'
import { operatorRequests, type RunningOperator, runOperator } from './testing/api-server.ts'
import { smallestSpec } from './testing/data-service.ts'

let namespace = ''
let operator: RunningOperator
beforeAll(async () => {
  namespace = await newNamespace('encryption')
  operator = await runOperator(namespace, undefined, { certificateLives: { ...lives, settle: 0 } })
  for (const [name, tls] of [
    ['plain', 'Off'],
    ['orders', 'Internal'],
  ]) {
    const spec = { ...smallestSpec, security: { tls } }
    const input = JSON.stringify({ apiVersion, kind, metadata: { name }, spec })
    await kubectl(['-n', namespace, 'apply', '-f', '-'], { input })
  }
})
afterAll(() => operator.stop())

const patience = 30_000
const inNamespace = (...args: string[]): Promise<string> => kubectl(['-n', namespace, ...args])
async function service(): Promise<DataService> {
  return JSON.parse(await inNamespace('get', 'dsvc/orders', '-o', 'json')) as DataService
}
const condition = async (type: string) =>
  (await service()).status?.conditions?.find(each => each.type === type)

const secrets = async (): Promise<string[]> =>
  (await inNamespace('get', 'secrets', '-o', 'name'))
    .split('\n')
    .filter(name => /authority|certif/.test(name))

/** Subjects of the authorities that everybody trusts. */
async function trusted(): Promise<string[]> {
  const jsonpath = String.raw`jsonpath={.data.ca\.crt}`
  const text = Buffer.from(await inNamespace('get', 'secret/orders-certificates', '-o', jsonpath), 'base64')
  const all = text.toString().match(/-----BEGIN[^-]+-----[^-]+-----END[^-]+-----/g) ?? []
  return all.map(each => new X509Certificate(each).subject.split('\n').at(-1) ?? '')
}

test('hops that are plain have no certificates, and stay so while pods run', async () => {
  const tls = () => inNamespace('get', 'dsvc/plain', '-o', 'jsonpath={.status.security.tls}')
  const stalled = () =>
    inNamespace('get', 'dsvc/plain', '-o', 'jsonpath={.status.conditions[?(@.type=="Stalled")].message}')
  await settledIn(patience, async () => expect(await tls()).toBe('Off'))
  expect((await secrets()).filter(name => name.includes('plain'))).toEqual([])
  const change = JSON.stringify({ spec: { security: { tls: 'Internal' } } })
  await inNamespace('patch', 'dsvc/plain', '--type=merge', '-p', change)
  await settledIn(patience, async () =>
    expect(await stalled()).toContain('security.tls is Off and would become'),
  )
  expect(await tls()).toBe('Off')
})

test('one whose hops are encrypted has an authority and certificates before its pods can start', async () => {
  await settledIn(patience, async () =>
    expect(await secrets()).toEqual(['secret/orders-authority-1', 'secret/orders-certificates']),
  )
  await settledIn(patience, async () =>
    expect(await condition('Encrypted')).toMatchObject({ status: 'True', reason: 'CertificatesValid' }),
  )
  expect((await service()).status?.security).toEqual({ tls: 'Internal', authority: 1 })
  const volume = await inNamespace('get', 'statefulset/orders-kafka', '-o', 'jsonpath={..secretName}')
  expect(volume).toContain('orders-certificates')
})

test('the annotation brings another authority, once for each of its values, and the old key goes', async () => {
  await inNamespace('annotate', 'dsvc/orders', 'dataservice.dev/rotate-authority=june')
  await settledIn(patience, async () =>
    expect(await secrets()).toEqual(['secret/orders-authority-2', 'secret/orders-certificates']),
  )
  expect(await trusted()).toEqual(['CN=authority 2'])
  await settledIn(patience, async () => expect((await service()).status?.security?.authority).toBe(2))
  const writes = async () =>
    (await operatorRequests(namespace)).filter(
      ({ verb, objectRef }) => objectRef?.resource === 'secrets' && verb !== 'get',
    ).length
  const before = await writes()
  await inNamespace('annotate', 'dsvc/orders', 'example.test/other=x')
  await settledIn(patience, async () =>
    expect(await condition('Encrypted')).toMatchObject({ status: 'True' }),
  )
  expect(await writes()).toBe(before)
})

test('certificates that somebody deleted come back from the same authority', async () => {
  const before = await trusted()
  await inNamespace('delete', 'secret/orders-certificates')
  await operator.stop()
  operator = await runOperator(namespace)
  await settledIn(patience, async () => expect(await trusted()).toEqual(before))
})
