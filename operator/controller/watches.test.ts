import { describe, expect, test, vi } from 'vitest'
import { InMemoryCluster } from '#operator/cluster/in-memory.ts'
import type { KubernetesObject, ObjectMeta, WatchedStore, WatchPort } from '#operator/cluster/port.ts'
import type { Kind } from '#operator/cluster/resources.ts'
import { Store } from '#operator/cluster/store.ts'
import { autoscaler } from '#operator/testing/autoscaler.ts'
import { keyText, parseKey } from './key.ts'
import { ownerKey, startWatches } from './watches.ts'

const ours = { 'app.kubernetes.io/managed-by': 'dataservice-operator' }
const owned = (name: string, more: object = {}): Partial<ObjectMeta> => ({
  labels: ours,
  ownerReferences: [
    {
      apiVersion: 'dataservice.dev/v1alpha1',
      kind: 'DataService',
      name,
      uid: `uid-of-${name}`,
      controller: true,
      ...more,
    },
  ],
})
const retained = (key: string): Partial<ObjectMeta> => ({
  labels: ours,
  annotations: { 'dataservice.dev/retained': key },
})

function object(kind: string, metadata: Partial<ObjectMeta> = {}): KubernetesObject {
  const apiVersion = kind === 'DataService' ? 'dataservice.dev/v1alpha1' : 'v1'
  return { apiVersion, kind, metadata: { name: 'one', namespace: 'shop', ...metadata } }
}

describe('the DataService an object belongs to', () => {
  const cases: { title: string; object: KubernetesObject; key: string | undefined }[] = [
    { title: 'a DataService is its own', object: object('DataService'), key: 'shop/one' },
    {
      title: 'a child names its controller',
      object: object('ConfigMap', owned('orders')),
      key: 'shop/orders',
    },
    {
      title: 'an owner that is no controller does not count',
      object: object('ConfigMap', owned('orders', { controller: false })),
      key: undefined,
    },
    {
      title: 'a controller of another kind does not count',
      object: object('Pod', owned('orders', { kind: 'ReplicaSet' })),
      key: undefined,
    },
    {
      title: 'a DataService of another group does not count',
      object: object('Pod', owned('orders', { apiVersion: 'other.dev/v1' })),
      key: undefined,
    },
    {
      title: 'another version of the group counts',
      object: object('Pod', owned('orders', { apiVersion: 'dataservice.dev/v1' })),
      key: 'shop/orders',
    },
    {
      title: 'retained data names its DataService',
      object: object('PersistentVolumeClaim', retained('shop/orders')),
      key: 'shop/orders',
    },
    {
      title: 'retained data never speaks for another namespace',
      object: object('PersistentVolumeClaim', retained('bank/orders')),
      key: undefined,
    },
    {
      title: 'a retained annotation that is no key does not count',
      object: object('ConfigMap', retained('shop/orders/x')),
      key: undefined,
    },
    {
      title: 'a pod with our label belongs to the instance it names',
      object: object('Pod', { labels: { ...ours, 'app.kubernetes.io/instance': 'orders' } }),
      key: 'shop/orders',
    },
    {
      title: 'a pod without our label belongs to nobody',
      object: object('Pod', { labels: { 'app.kubernetes.io/instance': 'orders' } }),
      key: undefined,
    },
    {
      title: 'a label alone makes nothing else ours',
      object: object('ConfigMap', { labels: { ...ours, 'app.kubernetes.io/instance': 'orders' } }),
      key: undefined,
    },
    { title: 'everything else belongs to nobody', object: object('ConfigMap'), key: undefined },
    {
      title: 'what has no namespace belongs to nobody',
      object: { apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'one' } },
      key: undefined,
    },
  ]
  test.each(cases)('$title', ({ object, key }) => {
    const found = ownerKey(object)
    expect(found && keyText(found)).toBe(key)
  })
})

test('a key is namespace/name and nothing else', () => {
  expect(parseKey('shop/orders')).toEqual({ namespace: 'shop', name: 'orders' })
  expect(['shop', '/orders', 'shop/', 'a/b/c', ''].map(parseKey)).toEqual(Array(5).fill(undefined))
})

describe('watches', () => {
  async function watching(cluster = new InMemoryCluster(), namespace?: string) {
    const watches = startWatches({
      cluster,
      kinds: ['ConfigMap'],
      unfiltered: ['Deployment'],
      ...(namespace === undefined ? {} : { namespace }),
    })
    const keys: string[] = []
    watches.onKey(key => keys.push(keyText(key)))
    await watches.synced
    return { cluster, watches, keys }
  }

  test('changes of owners and children become keys', async () => {
    const { cluster, keys, watches } = await watching()
    await cluster.create(object('DataService', { name: 'orders' }))
    await cluster.create(object('ConfigMap', owned('orders')))
    await cluster.create(object('ConfigMap', { name: 'foreign' }))
    expect(keys).toEqual(['shop/orders', 'shop/orders'])
    expect(watches.owners.get('shop', 'orders')).toBeDefined()
    expect(watches.stores('ConfigMap').list('shop')).toHaveLength(1)
    expect(() => watches.stores('Job')).toThrow('not watched')
  })

  test('all keys are those of DataServices and of operations whose DataService is not there', async () => {
    const { cluster, watches } = await watching()
    await cluster.create(object('DataService', { name: 'orders' }))
    const operation = { ...object('DataServiceOperation'), spec: { dataService: 'gone' } }
    await cluster.create<KubernetesObject>(operation)
    expect(watches.keys().map(keyText)).toEqual(['shop/orders', 'shop/gone'])
  })

  test('a class becomes the keys of those whom it concerns, in the namespace that is watched', async () => {
    const cluster = new InMemoryCluster()
    const watches = startWatches({
      cluster,
      kinds: [],
      namespace: 'shop',
      usersOfClass: ({ object }, owners) =>
        owners.filter(({ metadata }) => metadata.labels?.['class'] === object.metadata.name),
    })
    const keys: string[] = []
    await cluster.create(object('DataService', { name: 'orders', labels: { class: 'fast' } }))
    await cluster.create(object('DataService', { name: 'parcels', labels: { class: 'slow' } }))
    await cluster.create(object('DataService', { namespace: 'bank', labels: { class: 'fast' } }))
    await watches.synced
    watches.onKey(key => keys.push(keyText(key)))
    await cluster.create({
      apiVersion: 'dataservice.dev/v1alpha1',
      kind: 'DataServiceClass',
      metadata: { name: 'fast' },
    })
    expect(keys).toEqual(['shop/orders'])
    expect(watches.classes?.list()).toHaveLength(1)
    await watches.stop()
  })

  test('without the right to see them no class is watched', async () => {
    const { watches } = await watching()
    expect(watches.classes).toBeUndefined()
  })

  test('a child that changes hands concerns both', async () => {
    const { cluster, keys } = await watching()
    await cluster.apply(object('ConfigMap', owned('first')))
    await cluster.apply(object('ConfigMap', owned('second')))
    expect(keys).toEqual(['shop/first', 'shop/second', 'shop/first'])
  })

  test('only our objects are watched, but all of the kinds that are not filtered', async () => {
    const { cluster, watches } = await watching()
    for (const kind of ['ConfigMap', 'Deployment']) await cluster.create(object(kind, { name: 'foreign' }))
    expect(watches.stores('ConfigMap').list()).toHaveLength(0)
    expect(watches.stores('Deployment').list()).toHaveLength(1)
  })

  test('an autoscaler concerns the DataService it moves, whoever made it, until it moves another one', async () => {
    const cluster = new InMemoryCluster()
    const watches = startWatches({ cluster, kinds: [], unfiltered: ['HorizontalPodAutoscaler'] })
    const keys: string[] = []
    watches.onKey(key => keys.push(keyText(key)))
    await watches.synced
    const first = { ...autoscaler('theirs', 'Deployment/orders-gateway'), status: {} }
    const { uid: _, ...metadata } = first.metadata
    const stored = await cluster.apply({ ...first, metadata })
    await cluster.patchStatus({ ...stored, status: { desiredReplicas: 4 } })
    const next = autoscaler('theirs', 'DataService/bills')
    await cluster.apply({ ...next, metadata })
    expect(keys).toEqual(['shop/orders', 'shop/bills', 'shop/orders'])
  })

  test('of one namespace when told so', async () => {
    const { cluster, keys } = await watching(new InMemoryCluster(), 'shop')
    await cluster.create(object('DataService', { namespace: 'bank' }))
    await cluster.create(object('DataService'))
    expect(keys).toEqual(['shop/one'])
  })

  test('a kind on demand is watched from the first question on, and whoever asked hears when it is served', async () => {
    const cluster = new InMemoryCluster()
    cluster.serve('Cluster', false)
    const begun = vi.spyOn(cluster, 'watch')
    const watches = startWatches({ cluster, kinds: ['ConfigMap'], onDemand: ['Cluster'] })
    const keys: string[] = []
    watches.onKey(key => keys.push(keyText(key)))
    await watches.synced
    const ofKind = () => begun.mock.calls.filter(([kind]) => kind === 'Cluster')
    expect(ofKind()).toEqual([])
    const asker = { namespace: 'shop', name: 'orders' }
    expect(watches.onDemand('Cluster', asker).serving).toEqual({ state: 'unserved' })
    watches.onDemand('Cluster', { namespace: 'shop', name: 'bills' })
    expect(watches.onDemand('Cluster', asker).kind).toBe('Cluster')
    expect(ofKind()).toHaveLength(1)
    cluster.serve('Cluster', true)
    expect(keys.toSorted()).toEqual(['shop/bills', 'shop/orders'])
    await cluster.create({ ...object('Cluster', owned('orders')), apiVersion: 'postgresql.cnpg.io/v1' })
    expect(keys.slice(2)).toEqual(['shop/orders'])
    expect(() => watches.onDemand('ConfigMap', asker)).toThrow('not watched on demand')
    await watches.stop()
  })

  test('are complete only when every copy is', async () => {
    const { cluster, complete } = slowCluster()
    const watches = startWatches({ cluster, kinds: ['ConfigMap'] })
    const seen = vi.fn()
    watches.synced.then(seen)
    complete('ConfigMap')
    complete('DataServiceOperation')
    await Promise.resolve()
    expect(seen).not.toHaveBeenCalled()
    complete('DataService')
    await watches.synced
  })
})

/** Watches whose first lists come when the test says so. */
function slowCluster() {
  const complete = new Map<string, () => void>()
  const cluster: WatchPort = {
    watch<T extends KubernetesObject>(kind: Kind): WatchedStore<T> {
      const store = new Store<T>(kind)
      complete.set(kind, () => store.replace([]))
      return Object.assign(store, { stop: async () => store.end() })
    },
  }
  return { cluster, complete: (kind: Kind) => complete.get(kind)?.() }
}
