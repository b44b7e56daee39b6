import { expect, test } from 'vitest'
import { peerAuthentication } from '#operator/desired/mesh.ts'
import type { ObservedChild } from '#operator/desired/target.ts'
import { dataService, withSpec } from '#operator/testing/data-service.ts'
import { factsOf } from '#operator/testing/world.ts'
import { encrypted } from './encrypted.ts'

const owner = dataService(withSpec({ security: { tls: 'Mesh' } }))

const pod = (
  name: string,
  more: Omit<Partial<ObservedChild>, 'metadata'>,
  annotations = {},
): ObservedChild => ({
  apiVersion: 'v1',
  kind: 'Pod',
  metadata: { name, namespace: 'shop', labels: {}, annotations },
  ...more,
})
const own = { name: 'kafka' }
const proxy = { name: 'istio-proxy', restartPolicy: 'Always' }

function told(
  pods: readonly ObservedChild[],
  children: readonly ObservedChild[] = [peerAuthentication({ owner })],
) {
  const { status, reason, message } = encrypted({ ...factsOf({ owner }), children, pods }, new Date())
  return `${status}/${reason}: ${message}`
}

test('a pod is in the mesh by a proxy of its own or of its node; one that is over does not count', () => {
  const inside = [
    pod('a', { spec: { initContainers: [proxy], containers: [own] } }),
    pod('b', { spec: { containers: [own, proxy] } }),
    pod('c', { spec: { containers: [own] } }, { 'ambient.istio.io/redirection': 'enabled' }),
    pod('d', { spec: { containers: [own] }, status: { phase: 'Succeeded' } }),
  ]
  expect(told(inside)).toMatch(/^True\/Mesh: .*PeerAuthentication orders/)
  expect(told(inside, [])).toMatch(/^False\/MeshPending/)
})

test('pods without a proxy are named, a few of them, with what to look at', () => {
  const outside = ['w', 'x', 'y', 'z'].map(name => pod(name, { spec: { containers: [own] } }))
  expect(told(outside)).toMatch(/^False\/NotInMesh: w, x, y and 1 more run without a proxy .*namespace shop/)
})
