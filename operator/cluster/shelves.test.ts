import { expect, test } from 'vitest'
import { deepFrozen } from './likeness.ts'
import type { Change, KubernetesObject, Shelving } from './port.ts'
import { stampOf } from './shelves.ts'
import { Store } from './store.ts'

interface Child extends KubernetesObject {
  spec: { of: string; list: string[] }
}

/** Two are left as they are, all others are packed. */
const shelving: Shelving = {
  groupOf: ({ metadata }) => metadata.labels?.['instance'] ?? '',
  unpacked: 2,
}

function child(namespace: string, instance: string, part: string, version = 1): Child {
  const made: unknown = deepFrozen({
    apiVersion: 'v1',
    kind: 'Service',
    metadata: {
      name: `${instance}-${part}`,
      namespace,
      labels: { instance, part },
      uid: `uid-of-${namespace}-${instance}-${part}`,
      resourceVersion: String(version),
    },
    spec: { of: `${instance}-${part}.${namespace}`, list: ['a', 'b'] },
  })
  return made as Child
}

function filled() {
  const store = new Store<Child>('Service', shelving)
  const all = ['bank', 'shop'].flatMap(namespace =>
    ['loans', 'orders'].flatMap(instance =>
      ['gateway', 'reader', 'writer'].map(part => child(namespace, instance, part)),
    ),
  )
  store.replace(all)
  const changes: Change<Child>[] = []
  store.onChange(change => changes.push(change))
  return {
    store,
    all,
    told: () => changes.map(({ kind, object }) => `${kind} ${object.metadata.name}`),
    changes,
  }
}

test('what is packed reads as it was put in', () => {
  const { store, all } = filled()
  expect(store.list()).toEqual(all)
  expect(store.list('shop')).toEqual(all.slice(6))
  expect(store.group('shop', 'orders')).toEqual(all.slice(9))
  expect(store.get('bank', 'loans-reader')).toEqual(all[1])
  expect(store.group('shop', 'none')).toEqual([])
  expect(store.get('none', 'loans-reader')).toBeUndefined()
})

test('a change of what is packed is told with the state before it', () => {
  const { store, changes } = filled()
  const newer = child('bank', 'loans', 'reader', 2)
  store.set(newer)
  expect(changes).toEqual([{ kind: 'updated', object: newer, old: child('bank', 'loans', 'reader') }])
  expect(store.get('bank', 'loans-reader')).toEqual(newer)
})

test('the same state once more is not told, and neither is all of it', () => {
  const { store, all, told } = filled()
  for (const each of all) store.set(each, true)
  store.replace(all)
  expect(told()).toEqual([])
})

test('what is not among all that was told is gone, packed or not', () => {
  const { store, all, told } = filled()
  store.keepOnly(new Set(all.filter(({ metadata }) => metadata.name !== 'loans-reader').map(stampOf)))
  expect(told()).toEqual(['deleted loans-reader', 'deleted loans-reader'])
  expect(store.list()).toHaveLength(10)
})

test('what is deleted is gone, and its namespace with the last of it', () => {
  const { store, all } = filled()
  for (const each of all.slice(0, 6)) store.delete(each)
  expect(store.list('bank')).toEqual([])
  expect(store.list()).toEqual(all.slice(6))
  store.set(child('bank', 'loans', 'writer', 7), true)
  expect(store.group('bank', 'loans')).toHaveLength(1)
})

test('an object whose label somebody changes moves, and is one object all the time', () => {
  const { store, told } = filled()
  const { metadata, ...rest } = child('shop', 'orders', 'reader', 3)
  const moved = { ...rest, metadata: { ...metadata, labels: { instance: 'other' } } }
  store.set(moved)
  expect(told()).toEqual(['updated orders-reader'])
  expect(store.group('shop', 'orders')).toHaveLength(2)
  expect(store.group('shop', 'other')).toEqual([moved])
  store.delete(child('shop', 'orders', 'reader', 4)) // its last event shows the label that it had before
  expect(store.get('shop', 'orders-reader')).toBeUndefined()
})

test('states have stamps of their own', () => {
  const stamps = new Set<number>()
  for (let n = 0; n < 20_000; n++) stamps.add(stampOf(child(`n-${n % 100}`, 'orders', 'reader', n)))
  expect(stamps.size).toBe(20_000)
})

test('who asks a store without groups for one is told so, and not that there is nothing', () => {
  const store = new Store<Child>('Service')
  store.replace([child('shop', 'orders', 'reader')])
  expect(() => store.group('shop', 'orders')).toThrow('Service were not put into groups')
})
