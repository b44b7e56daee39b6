/** A control plane beside the one that the api tests share. */
import { existsSync, readFileSync } from 'node:fs'
import { createConnection } from 'node:net'
import { dirname } from 'node:path'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { type ControlPlaneHandle, controlPlaneUp } from './control-plane-only.ts'
import { until } from './waiting.ts'

let plane: ControlPlaneHandle
let server: URL

beforeAll(async () => {
  plane = await controlPlaneUp({ name: 'plane-test' })
  server = new URL(await plane.kubectl(['config', 'view', '-o', 'jsonpath={.clusters[0].cluster.server}']))
})

afterAll(() => plane.stop()) // a second stop does nothing

const crd = {
  apiVersion: 'apiextensions.k8s.io/v1',
  kind: 'CustomResourceDefinition',
  metadata: { name: 'things.dataservice.dev' },
  spec: {
    group: 'dataservice.dev',
    names: { plural: 'things', singular: 'thing', kind: 'Thing' },
    scope: 'Namespaced',
    versions: [{ name: 'v1', served: true, storage: true, schema: { openAPIV3Schema: openSchema() } }],
  },
}

function openSchema() {
  return { type: 'object', properties: { note: { type: 'string' } } }
}

it('audits calls with their bodies for our group, without for all others', async () => {
  await plane.kubectl(['apply', '-f', '-'], { input: JSON.stringify(crd) })
  await plane.kubectl(['wait', '--for=condition=Established', 'crd/things.dataservice.dev', '--timeout=30s'])
  const thing = { apiVersion: 'dataservice.dev/v1', kind: 'Thing', metadata: { name: 'x' }, note: 'seen' }
  await plane.kubectl(['create', '-f', '-'], { input: JSON.stringify(thing) })
  await plane.kubectl(['create', 'configmap', 'y', '--from-literal=note=unseen'])
  const log = () => readFileSync(plane.auditLog, 'utf8')
  expect(await until(() => log().includes('/configmaps?'), { timeoutMs: 10_000 })).toBe(true)
  expect(log()).toContain('"note":"seen"')
  expect(log()).not.toContain('unseen')
})

function connect({ hostname, port }: URL): Promise<void> {
  return new Promise((resolve, reject) => {
    const socket = createConnection(Number(port), hostname, () => {
      socket.destroy()
      resolve()
    })
    socket.once('error', reject)
  })
}

it('leaves nothing when it stops', async () => {
  await plane.stop()
  expect(existsSync(dirname(plane.kubeconfig))).toBe(false)
  await expect(connect(server)).rejects.toMatchObject({ code: 'ECONNREFUSED' })
})
