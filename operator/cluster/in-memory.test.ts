import { describe, expect, test } from 'vitest'
import { clusterContract } from './cluster.contract.ts'
import { ClusterError } from './errors.ts'
import { InMemoryCluster } from './in-memory.ts'
import type { KubernetesObject } from './port.ts'
import { codeOf } from './testing/contract-objects.ts'

clusterContract('the in-memory twin', async () => {
  const cluster = new InMemoryCluster()
  return { cluster, foreign: cluster.as('somebody-else'), namespace: 'shop' }
})

const ref = { kind: 'ConfigMap', namespace: 'shop', name: 'one' } as const
const one: KubernetesObject & { data: Record<string, string> } = {
  apiVersion: 'v1',
  kind: 'ConfigMap',
  metadata: { name: 'one', namespace: 'shop' },
  data: { a: '1' },
}

describe('writes that shall fail', () => {
  test('the k-th write from now fails and writes nothing', async () => {
    const cluster = new InMemoryCluster()
    cluster.failWrite(2)
    await cluster.apply(one)
    expect(await codeOf(cluster.apply({ ...one, data: { a: '2' } }))).toBe('Unavailable')
    expect(await cluster.get(ref)).toMatchObject({ data: { a: '1' } })
    await cluster.apply({ ...one, data: { a: '3' } })
    expect(await cluster.get(ref)).toMatchObject({ data: { a: '3' } })
    expect(cluster.writes.map(({ verb }) => verb)).toEqual(['apply', 'apply', 'apply'])
  })

  test('a lost answer hides a write that happened', async () => {
    const cluster = new InMemoryCluster()
    const error = new ClusterError('Conflict', 'as told')
    cluster.failWrite(1, { lost: 'answer', error })
    await expect(cluster.create(one)).rejects.toBe(error)
    expect(await cluster.get(ref)).toMatchObject({ data: { a: '1' } })
  })

  test('writes of others neither count nor fail', async () => {
    const cluster = new InMemoryCluster()
    cluster.failWrite(1)
    await cluster.as('somebody-else').create(one)
    expect(cluster.writes).toEqual([])
  })
})

test('an object with a finalizer stays, marked, until the finalizer goes', async () => {
  const cluster = new InMemoryCluster()
  const held = { ...one, metadata: { ...one.metadata, finalizers: ['dataservice.dev/held'] } }
  const { metadata } = await cluster.apply(held)
  await cluster.remove(ref, { uid: metadata.uid ?? '', propagation: 'Background' })
  expect((await cluster.get(ref))?.metadata.deletionTimestamp).toBeDefined()
  await cluster.apply(one)
  expect(await cluster.get(ref)).toBeUndefined()
})

test('what was stored cannot be changed from outside', async () => {
  const cluster = new InMemoryCluster()
  const data: Record<string, string> = { a: '1' }
  await cluster.create({ ...one, data })
  data.a = '2'
  expect(await cluster.get(ref)).toMatchObject({ data: { a: '1' } })
})
