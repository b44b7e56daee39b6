/** Every child kind through the real API server: the body on the wire, the stored object, and a second decision. */
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { Agent } from 'undici'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { newNamespace } from '#e2e/control-plane/inject.ts'
import type { Access } from '#operator/cluster/access.ts'
import { kubernetesCluster } from '#operator/cluster/kubernetes.ts'
import { silentLog } from '#operator/cluster/log.ts'
import { isKind } from '#operator/cluster/resources.ts'
import { createTransport } from '#operator/cluster/transport.ts'
import { type ChildKind, children, type DesiredChild, desiredChildren } from '#operator/desired/children.ts'
import { agrees, covers, sealed } from '#operator/desired/drift.ts'
import { isKindOfOthers } from '#operator/desired/kinds-of-others.ts'
import type { ObservedChild } from '#operator/desired/target.ts'
import { asAdministrator, type ConnectedCluster } from './testing/api-server.ts'
import { dataService, withSpec } from './testing/data-service.ts'
import { targetOf } from './testing/target.ts'

let real: ConnectedCluster
let namespace = ''
beforeAll(async () => {
  real = asAdministrator()
  namespace = await newNamespace('children')
})
afterAll(() => real.close())

/** With everything a user may say about pods, and amounts that the API server rewrites. */
const rich = () => {
  const pod = {
    imagePullSecrets: [{ name: 'pull' }],
    nodeSelector: { disk: 'fast' },
    tolerations: [
      { key: 'spot', operator: 'Exists', effect: 'NoSchedule' },
      { key: '', operator: 'Exists', effect: 'NoExecute', tolerationSeconds: 0 },
      { key: 'dedicated', operator: 'Equal', value: '' },
    ],
    labels: { team: 'a' },
    annotations: { note: 'b' },
    serviceAccountAnnotations: { role: 'c' },
  }
  const resources = { requests: { cpu: '0.25', memory: '0.5Gi' }, limits: { cpu: 1, memory: '1024Mi' } }
  const parts = Object.fromEntries(['gateway', 'writer', 'reader'].map(part => [part, { pod, resources }]))
  const service = dataService(withSpec(parts))
  return { ...service, metadata: { ...service.metadata, namespace } }
}

/** Those of others have files of their own, with the CRDs of their projects. */
const kinds = [...new Set(children.map(({ kind }) => kind))].filter(kind => !isKindOfOthers(kind))
const ofKind = (kind: ChildKind): DesiredChild[] =>
  desiredChildren(targetOf(rich())).filter(child => child.kind === kind)

describe('each child kind', () => {
  test.each(kinds)('%s: the body on the wire is the built object, byte for byte', async kind => {
    const seen: string[] = []
    const server = await recorder(seen)
    const transport = createTransport({ access: plainAccess(server), version: 'test' })
    const cluster = kubernetesCluster({ transport, log: silentLog })
    const built = ofKind(kind).map(child => (child.write === 'apply' ? sealed(child.object) : child.object))
    for (const object of built) {
      if (kind === 'Secret' || kind === 'Job') await cluster.create(object)
      else await cluster.apply(object)
    }
    await transport.close()
    server.close()
    expect(seen).toEqual(built.map(object => JSON.stringify(object)))
  })

  test.each(kinds)(
    '%s: the stored object keeps every field, and deciding again asks for nothing',
    async kind => {
      const children = ofKind(kind)
      expect(children.length).toBeGreaterThan(0)
      for (const { object: built, write } of children) {
        const object = write === 'apply' ? sealed(built) : built
        if (write === 'apply') expect((await real.cluster.applyNew(object)).kind).toBe('created')
        else await real.cluster.create(object)
        if (!isKind(object.kind)) throw new Error(`unknown kind ${object.kind}`)
        const stored = await real.cluster.get<ObservedChild>({
          kind: object.kind,
          namespace,
          name: object.metadata.name,
        })
        if (stored === undefined) throw new Error('not stored')
        expect(missing(stored, withoutWriteOnly(object))).toEqual([])
        if (write === 'apply') expect(agrees(object, stored)).toBe(true)
      }
    },
  )
})

/** `stringData` of a Secret is stored as `data`. */
const withoutWriteOnly = (object: object): object =>
  Object.fromEntries(Object.entries(object).filter(([field]) => field !== 'stringData'))

/** The top fields of `wanted` that `stored` does not hold. */
const missing = (stored: object, wanted: object): string[] =>
  Object.entries(wanted)
    .filter(([field, value]) => !covers(new Map(Object.entries(stored)).get(field), value))
    .map(([field]) => field)

/** Answers every request with its own body, and notes it. */
async function recorder(seen: string[]): Promise<Server> {
  const server = createServer((request, response) => {
    const chunks: Buffer[] = []
    request.on('data', (chunk: Buffer) => chunks.push(chunk))
    request.on('end', () => {
      const text = Buffer.concat(chunks).toString('utf8')
      seen.push(text)
      response.writeHead(201, { 'content-type': 'application/json' }).end(text)
    })
  })
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  return server
}

function plainAccess(server: Server): Access {
  const { port } = server.address() as AddressInfo
  const dispatcher = new Agent()
  return {
    server: `http://127.0.0.1:${port}`,
    prepare: async () => ({ headers: {}, dispatcher }),
    close: () => dispatcher.close(),
  }
}
