/**
 * The twin of a cluster for tests of the loop: it passes the contract of the real one. What it leaves out: defaults,
 * validation, garbage collection, and other controllers (nothing ever becomes ready unless a test writes it).
 */
import { isRecord } from './answer.ts'
import { ClusterError } from './errors.ts'
import { applyFields, leavesOf, type Managed, updateFields } from './in-memory-fields.ts'
import { type Fault, MemoryState, type StoredObject, type WriteRecord } from './in-memory-state.ts'
import { observedObject } from './list-watch.ts'
import { describeRef, refOf } from './paths.ts'
import {
  type ClusterPort,
  type Creation,
  type EventNote,
  fieldManager,
  type KubernetesObject,
  type ObjectRef,
  type Propagation,
  type Scope,
  type WatchedStore,
  type WatchOptions,
  type WatchPort,
} from './port.ts'
import type { Kind } from './resources.ts'

const replicasPath = JSON.stringify(['spec', 'replicas'])

export class InMemoryCluster implements ClusterPort, WatchPort {
  readonly #state: MemoryState
  readonly #manager: string

  /** Without arguments: an empty cluster, written to by the operator. */
  constructor(state = new MemoryState(), manager = fieldManager) {
    this.#state = state
    this.#manager = manager
  }

  /** The same cluster, written to by another field manager. Its writes are not counted. */
  as(manager: string): InMemoryCluster {
    return new InMemoryCluster(this.#state, manager)
  }

  /** Every write of the operator so far, also those that failed. */
  get writes(): readonly WriteRecord[] {
    return this.#state.writes
  }

  /** The k-th write of the operator from now on (1 = the next) fails with Unavailable, or as the fault says. */
  failWrite(k: number, fault: Fault = {}): void {
    this.#state.faults.set(this.#state.writes.length + k, fault)
  }

  /** As a CRD that is installed, or removed with all objects of its kind. */
  serve(kind: Kind, served: boolean): void {
    this.#state.serve(kind, served)
  }

  async get<T extends KubernetesObject>(ref: ObjectRef): Promise<T | undefined> {
    const stored = this.#state.find(ref)
    return stored && observedObject<T>(stored.object, ref.kind)
  }

  async list<T extends KubernetesObject>(kind: Kind, scope: Scope = {}): Promise<T[]> {
    if (kind === 'Secret') throw new ClusterError('Invalid', 'Secrets are never listed or watched')
    this.#state.assertServed(kind)
    return this.#state.list(kind, scope).map(object => observedObject<T>(object, kind))
  }

  watch<T extends KubernetesObject>(
    kind: Kind,
    scope: Scope = {},
    options: WatchOptions<T> = {},
  ): WatchedStore<T> {
    if (kind === 'Secret') throw new ClusterError('Invalid', 'Secrets are never listed or watched')
    return this.#state.watch<T>(kind, scope, options)
  }

  apply<T extends KubernetesObject>(object: T): Promise<T> {
    const ref = refOf(object)
    return this.#write('apply', ref, () => this.#applied(object))
  }

  /** A taken name is no write, so it is not counted as one. */
  async applyNew<T extends KubernetesObject>(object: T): Promise<Creation<T>> {
    const ref = refOf(object)
    if (this.#state.find(ref)) return { kind: 'exists' }
    return { kind: 'created', object: await this.#write('apply', ref, () => this.#applied(object)) }
  }

  #applied<T extends KubernetesObject>(object: T): T {
    const ref = refOf(object)
    const stored = this.#state.find(ref)
    const { uid, resourceVersion } = object.metadata
    if (uid !== undefined && stored?.object.metadata.uid !== uid) throw uidConflict(ref)
    if (
      resourceVersion !== undefined &&
      stored &&
      stored.object.metadata.resourceVersion !== resourceVersion
    ) {
      throw new ClusterError('Conflict', `${describeRef(ref)} was changed since it was read`)
    }
    const before = stored ? managedOf(stored) : { body: {}, ownership: new Map() }
    const managed = applyFields(before, intentOf(object), `${this.#manager} apply`)
    return observedObject<T>(this.#state.put(ref, stored, managed), ref.kind)
  }

  create<T extends KubernetesObject>(object: T): Promise<Creation<T>> {
    const ref = refOf(object)
    return this.#write('create', ref, (): Creation<T> => {
      if (this.#state.find(ref)) return { kind: 'exists' }
      const empty = { body: {}, ownership: new Map() }
      const managed = updateFields(empty, leavesOf(intentOf(object)), `${this.#manager} update`)
      const stored = this.#state.put(ref, undefined, managed)
      return { kind: 'created', object: observedObject<T>(stored, ref.kind) }
    })
  }

  patchStatus<T extends KubernetesObject & { status?: unknown }>(object: T): Promise<T | undefined> {
    const ref = refOf(object)
    return this.#write('status', ref, () => {
      const { uid } = object.metadata
      if (uid === undefined) {
        throw new ClusterError('Invalid', `${describeRef(ref)}: a status needs the uid it speaks of`)
      }
      const stored = this.#state.find(ref)
      if (stored?.object.metadata.uid !== uid) return undefined
      const { object: body, ownership } = stored
      const next = this.#state.put(ref, stored, { body: { ...body, status: object.status ?? {} }, ownership })
      return observedObject<T>(next, ref.kind)
    })
  }

  scale(ref: ObjectRef, replicas: number, from: number): Promise<void> {
    return this.#write('scale', ref, () => {
      const stored = this.#state.find(ref)
      if (stored === undefined) throw new ClusterError('NotFound', describeRef(ref))
      const is = replicasOf(stored.object.spec)
      if (is !== from)
        throw new ClusterError('Conflict', `${describeRef(ref)}: the number is ${is}, no more ${from}`)
      const changes = new Map([[replicasPath, replicas]])
      this.#state.put(ref, stored, updateFields(managedOf(stored), changes, `${this.#manager} scale`))
    })
  }

  remove(ref: ObjectRef, options: { uid: string; propagation: Propagation }): Promise<'removed' | 'absent'> {
    return this.#write('remove', ref, () => {
      const stored = this.#state.find(ref)
      if (stored === undefined) return 'absent'
      if (stored.object.metadata.uid !== options.uid) throw uidConflict(ref)
      this.#state.remove(ref, stored)
      return 'removed'
    })
  }

  event({ regarding, at, ...note }: EventNote): Promise<void> {
    const { namespace = 'default', name } = regarding.metadata
    const ref: ObjectRef = { kind: 'Event', namespace, name: `${name}-${this.#state.writes.length}` }
    return this.#write('event', ref, () => {
      const body = { ...note, note: note.note.slice(0, 1024), eventTime: at.toISOString() }
      const about = { kind: regarding.kind, namespace, name, uid: regarding.metadata.uid }
      this.#state.put(ref, undefined, { body: { ...body, regarding: about }, ownership: new Map() })
    })
  }

  /** Rejects, like the real one, and never throws at once. */
  async #write<R>(verb: WriteRecord['verb'], ref: ObjectRef, effect: () => R): Promise<R> {
    const counted = this.#manager === fieldManager
    const served = (): R => {
      this.#state.assertServed(ref.kind)
      return effect()
    }
    return counted ? this.#state.counted({ verb, ref }, served) : served()
  }
}

const uidConflict = (ref: ObjectRef): ClusterError =>
  new ClusterError('Conflict', `${describeRef(ref)} is gone or was replaced by another of its name`)

/** What an apply or a POST can set: not the status, and not what the server alone writes. */
function intentOf(object: KubernetesObject): Record<string, unknown> {
  const { status: _, apiVersion: __, kind: ___, metadata, ...rest } = { status: undefined, ...object }
  const { labels, annotations, ownerReferences, finalizers } = metadata
  return { ...rest, metadata: { labels, annotations, ownerReferences, finalizers } }
}

const managedOf = ({ object, ownership }: StoredObject): Managed => ({ body: { ...object }, ownership })

/** As the API server fills it in. */
const replicasOf = (spec: unknown): number =>
  isRecord(spec) && typeof spec.replicas === 'number' ? spec.replicas : 1
