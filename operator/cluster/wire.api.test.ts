import { afterAll, beforeAll, expect, test } from 'vitest'
import { controlPlane, newNamespace } from '#e2e/control-plane/inject.ts'
import { accessFromEnvironment } from './access.ts'
import { kubernetesCluster } from './kubernetes.ts'
import { silentLog } from './log.ts'
import { refOf } from './paths.ts'
import type { ClusterPort, KubernetesObject } from './port.ts'
import { definition, networkPolicy } from './testing/awkward-objects.ts'
import { codeOf } from './testing/contract-objects.ts'
import { createTransport, type Transport } from './transport.ts'

let transport: Transport
let cluster: ClusterPort
let namespace = ''
const statuses: string[] = []

beforeAll(async () => {
  const access = accessFromEnvironment(controlPlane().kubeconfig)
  transport = createTransport({
    access,
    version: 'test',
    onAnswer: (method, status) => statuses.push(`${method} ${status}`),
  })
  cluster = kubernetesCluster({ transport, log: silentLog })
  namespace = await newNamespace('wire')
})
afterAll(() => transport.close())

async function keepsEveryField(object: KubernetesObject): Promise<void> {
  await cluster.apply(object)
  expect(await cluster.get(refOf(object))).toMatchObject(object)
}

test('every field of a NetworkPolicy is stored', () => keepsEveryField(networkPolicy(namespace)))

test('every field of a CustomResourceDefinition is stored', async () => {
  await keepsEveryField(definition)
  const { metadata } = await cluster.apply(definition)
  await cluster.remove(refOf(definition), { uid: metadata.uid ?? '', propagation: 'Background' })
})

test('a field the API server does not know is refused, not dropped', async () => {
  const renamed = { ...networkPolicy(namespace), spec: { podSelector: {}, ingress: [{ _from: [] }] } }
  expect(await codeOf(cluster.apply(renamed))).toBe('Invalid')
  expect(await codeOf(cluster.create(renamed))).toBe('Invalid')
})

test('a list of more than one chunk is whole', async () => {
  const names = Array.from({ length: 503 }, (_, index) => `many-${String(index).padStart(3, '0')}`)
  const objects = names.map(name => ({ apiVersion: 'v1', kind: 'ConfigMap', metadata: { name, namespace } }))
  for (let from = 0; from < objects.length; from += 50) {
    await Promise.all(objects.slice(from, from + 50).map(object => cluster.create(object)))
  }
  statuses.length = 0
  const listed = await cluster.list('ConfigMap', { namespace })
  expect(listed.map(({ metadata }) => metadata.name)).toEqual(names)
  expect(statuses).toEqual(['GET 200', 'GET 200', 'GET 200'])
})
