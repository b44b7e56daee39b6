/** What every cluster behind ClusterPort and WatchPort does: the real API server and the in-memory twin alike. */
import { beforeEach, describe, expect, test, vi } from 'vitest'
import { smallestSpec } from '#operator/testing/data-service.ts'
import type { ClusterPort, KubernetesObject, WatchPort } from './port.ts'
import {
  type ConfigMap,
  codeOf,
  configMap,
  type Deployment,
  deployment,
  refTo,
  type Service,
  service,
  spec,
  unwantedUid,
  watched,
} from './testing/contract-objects.ts'

export interface ContractWorld {
  cluster: ClusterPort & WatchPort
  /** The same cluster under the name of another field manager. */
  foreign: ClusterPort
  /** A namespace of its own. */
  namespace: string
}

/** A watch brings changes a little later. */
const eventually = (check: () => void): Promise<void> => vi.waitFor(check, { timeout: 5_000 })

export function clusterContract(subject: string, makeWorld: () => Promise<ContractWorld>): void {
  describe(subject, () => {
    let world: ContractWorld
    beforeEach(async () => {
      world = await makeWorld()
    })
    const given = (): ContractWorld => world
    readingAndCreating(given)
    applying(given)
    preconditions(given)
    statusOf(given)
    scaling(given)
    removing(given)
    watching(given)
  })
}

function readingAndCreating(given: () => ContractWorld): void {
  test('an object that does not exist is undefined', async () => {
    const { cluster, namespace } = given()
    expect(await cluster.get(refTo('ConfigMap', namespace))).toBeUndefined()
  })

  test('a created object is stored, and a taken name is an answer', async () => {
    const { cluster, namespace } = given()
    const first = await cluster.create(configMap(namespace, { a: '1' }))
    expect(first).toMatchObject({ kind: 'created', object: { data: { a: '1' }, metadata: { name: 'one' } } })
    expect(await cluster.create(configMap(namespace, { a: '2' }))).toEqual({ kind: 'exists' })
    const stored = await cluster.get<ConfigMap>(refTo('ConfigMap', namespace))
    expect(stored).toMatchObject({ apiVersion: 'v1', kind: 'ConfigMap', data: { a: '1' } })
    expect(stored?.metadata.uid).toEqual(expect.any(String))
    expect(stored?.metadata).not.toHaveProperty('managedFields')
  })

  test('a list holds what fits the namespace and the labels', async () => {
    const { cluster, namespace } = given()
    await cluster.create(configMap(namespace, {}, { name: 'red', labels: { colour: 'red' } }))
    await cluster.create(configMap(namespace, {}, { name: 'blue', labels: { colour: 'blue' } }))
    const found = await cluster.list<ConfigMap>('ConfigMap', { namespace, labels: { colour: 'red' } })
    expect(found.map(({ kind, apiVersion, metadata }) => [apiVersion, kind, metadata.name])).toEqual([
      ['v1', 'ConfigMap', 'red'],
    ])
  })

  test('Secrets are neither listed nor watched', async () => {
    const { cluster } = given()
    expect(await codeOf(cluster.list('Secret'))).toBe('Invalid')
    expect(() => cluster.watch('Secret')).toThrow('never')
  })

  test('an event is written for an object', async () => {
    const { cluster, namespace } = given()
    const regarding = await cluster.apply(configMap(namespace, {}))
    const note = 'n'.repeat(2000)
    await cluster.event({
      regarding,
      type: 'Warning',
      reason: 'Tried',
      action: 'Test',
      note,
      at: new Date(86_400_000),
    })
    const events = await cluster.list<KubernetesObject & { note: string }>('Event', { namespace })
    expect(events).toMatchObject([{ reason: 'Tried', regarding: { uid: regarding.metadata.uid } }])
    expect(events[0]?.note).toHaveLength(1024)
    const found = (reason: string) => cluster.list('Event', { namespace, fields: { reason } })
    expect([await found('Tried'), await found('Other')]).toEqual([events, []])
  })
}

function applying(given: () => ContractWorld): void {
  test('apply creates, changes, and takes away what is no longer wanted', async () => {
    const { cluster, namespace } = given()
    await cluster.apply(configMap(namespace, { a: '1', b: '1' }))
    const second = await cluster.apply(configMap(namespace, { a: '2' }))
    expect(second.data).toEqual({ a: '2' })
  })

  test('the same apply again changes nothing', async () => {
    const { cluster, namespace } = given()
    const first = await cluster.apply(deployment(namespace))
    const second = await cluster.apply(deployment(namespace))
    expect(second.metadata.resourceVersion).toBe(first.metadata.resourceVersion)
  })

  test('the field of another manager is taken, the others stay', async () => {
    const { cluster, foreign, namespace } = given()
    await foreign.apply(configMap(namespace, { a: 'theirs', b: 'theirs' }))
    const taken = await cluster.apply(configMap(namespace, { a: 'ours' }))
    expect(taken.data).toEqual({ a: 'ours', b: 'theirs' })
  })

  test.each(['ConfigMap', 'Deployment', 'DataService'] as const)(
    'a new %s is made under a free name only',
    async kind => {
      const { cluster, foreign, namespace } = given()
      const wish = wishOf(kind, namespace)
      expect(await cluster.applyNew(wish)).toMatchObject({ kind: 'created', object: { kind } })
      expect(await cluster.applyNew(wish)).toEqual({ kind: 'exists' })
      const labelled = { ...wish, metadata: { ...wish.metadata, labels: { theirs: 'yes' } } }
      expect(await foreign.applyNew(labelled)).toEqual({ kind: 'exists' })
      expect((await cluster.get(refTo(kind, namespace)))?.metadata.labels).toBeUndefined()
    },
  )

  test('what was made anew is changed, and loses what is no longer wanted', async () => {
    const { cluster, namespace } = given()
    await cluster.applyNew(configMap(namespace, { a: '1', b: '1' }))
    expect((await cluster.apply(configMap(namespace, { a: '2' }))).data).toEqual({ a: '2' })
  })

  test('the same value as another manager is no conflict, and outlives one of the two', async () => {
    const { cluster, foreign, namespace } = given()
    await foreign.apply(configMap(namespace, { a: 'same' }))
    await cluster.apply(configMap(namespace, { a: 'same', b: 'ours' }))
    const left = await cluster.apply(configMap(namespace, { b: 'ours' }))
    expect(left.data).toEqual({ a: 'same', b: 'ours' })
  })

  test('generation counts changes of the spec, not of labels', async () => {
    const { cluster, namespace } = given()
    const made = await cluster.apply(deployment(namespace))
    const labelled = await cluster.apply(deployment(namespace, { labels: { a: 'b' } }))
    const changed = await cluster.apply({ ...deployment(namespace), spec: spec('other:1') })
    expect([made, labelled, changed].map(({ metadata }) => metadata.generation)).toEqual([1, 1, 2])
  })
}

const wishOf = (kind: 'ConfigMap' | 'Deployment' | 'DataService', namespace: string): KubernetesObject =>
  ({
    ConfigMap: configMap(namespace, {}),
    Deployment: deployment(namespace),
    DataService: service(namespace),
  })[kind]

function preconditions(given: () => ContractWorld): void {
  test('apply with the uid of the stored object goes through', async () => {
    const { cluster, namespace } = given()
    const { metadata } = await cluster.apply(configMap(namespace, { a: '1' }))
    const again = configMap(namespace, { a: '2' }, { uid: metadata.uid ?? '' })
    expect((await cluster.apply(again)).data).toEqual({ a: '2' })
  })

  test('apply with the uid of an object that was replaced is a conflict', async () => {
    const { cluster, foreign, namespace } = given()
    await foreign.create(configMap(namespace, { a: 'theirs' }))
    const late = configMap(namespace, { a: 'ours' }, { uid: unwantedUid })
    expect(await codeOf(cluster.apply(late))).toBe('Conflict')
    expect((await cluster.get<ConfigMap>(refTo('ConfigMap', namespace)))?.data).toEqual({ a: 'theirs' })
  })

  test('apply with a resourceVersion that is not the stored one is a conflict', async () => {
    const { cluster, namespace } = given()
    await cluster.apply(configMap(namespace, { a: '1' }))
    const other = configMap(namespace, {}, { resourceVersion: '987654321' })
    expect(await codeOf(cluster.apply(other))).toBe('Conflict')
  })

  test('apply with the uid of an object that is gone is a conflict and makes nothing', async () => {
    const { cluster, namespace } = given()
    const late = configMap(namespace, { a: 'ours' }, { uid: unwantedUid })
    expect(await codeOf(cluster.apply(late))).toBe('Conflict')
    expect(await cluster.get(refTo('ConfigMap', namespace))).toBeUndefined()
  })
}

function statusOf(given: () => ContractWorld): void {
  test('status and the rest are written apart', async () => {
    const { cluster, namespace } = given()
    const made = await cluster.apply(service(namespace))
    await cluster.patchStatus({ ...made, status: { observedGeneration: 1, replicas: 3 } })
    const wish = { ...service(namespace), metadata: { ...service(namespace).metadata, labels: { a: 'b' } } }
    await cluster.apply({ ...wish, status: { replicas: 9 } })
    const stored = await cluster.get<Service>(refTo('DataService', namespace))
    expect(stored?.status).toEqual({ observedGeneration: 1, replicas: 3 })
    expect(stored?.metadata).toMatchObject({ generation: 1, labels: { a: 'b' } })
    expect(stored?.spec.record).toMatchObject(smallestSpec.record)
  })

  test('a status is written whole: what is not in it goes', async () => {
    const { cluster, namespace } = given()
    const made = await cluster.apply(service(namespace))
    await cluster.patchStatus({ ...made, status: { observedGeneration: 1, replicas: 3 } })
    const second = await cluster.patchStatus({ ...made, status: { replicas: 4 } })
    expect(second?.status).toEqual({ replicas: 4 })
  })

  test('the same status again changes nothing', async () => {
    const { cluster, namespace } = given()
    const made = await cluster.apply(service(namespace))
    const first = await cluster.patchStatus({ ...made, status: { replicas: 3 } })
    const second = await cluster.patchStatus({ ...made, status: { replicas: 3 } })
    expect(second?.metadata.resourceVersion).toBe(first?.metadata.resourceVersion)
  })

  test('the status of an object that is gone or was replaced is left alone', async () => {
    const { cluster, namespace } = given()
    const gone = { ...service(namespace), status: { replicas: 3 } }
    expect(await codeOf(cluster.patchStatus(gone))).toBe('Invalid')
    const late = { ...gone, metadata: { ...gone.metadata, uid: unwantedUid } }
    expect(await cluster.patchStatus(late)).toBeUndefined()
    await cluster.apply(service(namespace))
    expect(await cluster.patchStatus(late)).toBeUndefined()
    expect((await cluster.get<Service>(refTo('DataService', namespace)))?.status?.replicas).not.toBe(3)
  })
}

function scaling(given: () => ContractWorld): void {
  test('scale sets the number alone, and an apply without a number keeps it', async () => {
    const { cluster, namespace } = given()
    const ref = refTo('Deployment', namespace)
    await cluster.apply(deployment(namespace))
    await cluster.scale(ref, 4, 1)
    await cluster.apply({ ...deployment(namespace), spec: spec('other:1') })
    const stored = await cluster.get<Deployment>(ref)
    expect(stored?.spec?.replicas).toBe(4)
    expect(stored?.spec?.template.spec?.containers[0]?.image).toBe('other:1')
  })

  test('a number that is not the one that was seen is a conflict', async () => {
    const { cluster, foreign, namespace } = given()
    const ref = refTo('Deployment', namespace)
    await cluster.apply(deployment(namespace))
    await foreign.scale(ref, 7, 1)
    expect(await codeOf(cluster.scale(ref, 2, 1))).toBe('Conflict')
    expect(await codeOf(cluster.scale(ref, 2, 0))).toBe('Conflict')
    expect((await cluster.get<Deployment>(ref))?.spec?.replicas).toBe(7)
  })

  test('to none and back', async () => {
    const { cluster, namespace } = given()
    const ref = refTo('Deployment', namespace)
    await cluster.apply(deployment(namespace))
    await cluster.scale(ref, 0, 1)
    expect((await cluster.get<Deployment>(ref))?.spec?.replicas).toBe(0)
    expect(await codeOf(cluster.scale(ref, 2, 1))).toBe('Conflict')
    await cluster.scale(ref, 2, 0)
    expect((await cluster.get<Deployment>(ref))?.spec?.replicas).toBe(2)
  })

  test('a scale of nothing is NotFound', async () => {
    const { cluster, namespace } = given()
    expect(await codeOf(cluster.scale(refTo('Deployment', namespace), 1, 1))).toBe('NotFound')
  })
}

function removing(given: () => ContractWorld): void {
  test('an object is removed only under its uid', async () => {
    const { cluster, namespace } = given()
    const ref = refTo('ConfigMap', namespace)
    const { metadata } = await cluster.apply(configMap(namespace, {}))
    const other = cluster.remove(ref, { uid: unwantedUid, propagation: 'Background' })
    expect(await codeOf(other)).toBe('Conflict')
    expect(await cluster.get(ref)).toBeDefined()
    const uid = metadata.uid ?? ''
    expect(await cluster.remove(ref, { uid, propagation: 'Background' })).toBe('removed')
    expect(await cluster.get(ref)).toBeUndefined()
    expect(await cluster.remove(ref, { uid, propagation: 'Background' })).toBe('absent')
  })
}

function watching(given: () => ContractWorld): void {
  test('a watch starts with what is there and follows each change', async () => {
    const { cluster, namespace } = given()
    const ref = refTo('ConfigMap', namespace)
    await cluster.create(configMap(namespace, { a: '1' }))
    await using watch = await watched(cluster.watch<ConfigMap>('ConfigMap', { namespace }))
    expect(watch.store.get(namespace, 'one')?.data).toEqual({ a: '1' })
    const changed = await cluster.apply(configMap(namespace, { a: '2' }))
    await cluster.remove(ref, { uid: changed.metadata.uid ?? '', propagation: 'Background' })
    await cluster.create(configMap(namespace, { a: '3' }))
    await eventually(() => expect(watch.seen()).toEqual(['updated a=1 to a=2', 'deleted a=2', 'added a=3']))
    expect(watch.store.list(namespace, ({ data }) => data?.a === '3')).toHaveLength(1)
  })

  test('an object leaves a filtered watch with its label', async () => {
    const { cluster, namespace } = given()
    const scope = { namespace, labels: { ours: 'yes' } }
    await using watch = await watched(cluster.watch<ConfigMap>('ConfigMap', scope))
    await cluster.create(configMap(namespace, { a: '0' }, { name: 'other' }))
    await cluster.apply(configMap(namespace, { a: '1' }, { labels: { ours: 'yes' } }))
    await eventually(() => expect(watch.store.get(namespace, 'one')).toBeDefined())
    await cluster.apply(configMap(namespace, { a: '1' }))
    await eventually(() => expect(watch.store.get(namespace, 'one')).toBeUndefined())
    expect(watch.seen()).toEqual(['added a=1', 'deleted a=1'])
  })

  test('a stopped watch changes no more', async () => {
    const { cluster, namespace } = given()
    const watch = await watched(cluster.watch<ConfigMap>('ConfigMap', { namespace }))
    await using other = await watched(cluster.watch<ConfigMap>('ConfigMap', { namespace }))
    await watch.store.stop()
    await cluster.create(configMap(namespace, { a: '1' }))
    await eventually(() => expect(other.seen()).toEqual(['added a=1']))
    expect(watch.seen()).toEqual([])
  })
}
