import { afterAll, beforeAll, expect, test } from 'vitest'
import { controlPlane, kubectl, newNamespace } from '#e2e/control-plane/inject.ts'
import { accessFromEnvironment } from './access.ts'
import { listWatch, type WatchEvent } from './list-watch.ts'
import type { KubernetesObject } from './port.ts'
import { createTransport, type Transport } from './transport.ts'

let transport: Transport
beforeAll(() => {
  transport = createTransport({ access: accessFromEnvironment(controlPlane().kubeconfig), version: 'test' })
})
afterAll(() => transport.close())

async function collected(events: AsyncIterable<WatchEvent<KubernetesObject>>): Promise<string[]> {
  const seen: string[] = []
  for await (const event of events)
    seen.push('object' in event ? `${event.kind} ${event.object.metadata.name}` : event.kind)
  return seen
}

const request = { timeoutSeconds: 1, idleMs: 10_000, signal: new AbortController().signal }

test('a watch goes on from a list, and ends cleanly at its time', async () => {
  const namespace = await newNamespace('list-watch')
  const source = listWatch<KubernetesObject>(transport, 'Service', { namespace })
  const { resourceVersion } = await source.list()
  await kubectl(['--namespace', namespace, 'create', 'service', 'clusterip', 'one', '--tcp=80'])
  await kubectl(['--namespace', namespace, 'delete', 'service', 'one'])
  const events = await source.watch({ ...request, resourceVersion })
  expect((await collected(events)).filter(event => event !== 'bookmark')).toEqual([
    'changed one',
    'removed one',
  ])
})
