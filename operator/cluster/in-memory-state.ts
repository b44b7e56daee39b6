/** What the in-memory twin stores, who watches it, and which writes shall fail. */
import { isRecord } from './answer.ts'
import { ClusterError } from './errors.ts'
import { type Managed, type Ownership, same } from './in-memory-fields.ts'
import { observedObject } from './list-watch.ts'
import { describeRef } from './paths.ts'
import type { KubernetesObject, ObjectRef, Scope, WatchedStore, WatchOptions } from './port.ts'
import type { Kind } from './resources.ts'
import { Store } from './store.ts'

export type AnyObject = KubernetesObject & { spec?: unknown; status?: unknown }

export interface StoredObject {
  object: AnyObject
  ownership: Ownership
}

export interface WriteRecord {
  verb: 'apply' | 'create' | 'status' | 'scale' | 'remove' | 'event'
  ref: ObjectRef
}

export interface Fault {
  /** Default Unavailable. */
  error?: ClusterError
  /** `request` (default): nothing was written. `answer`: it was written, but the writer is told that it failed. */
  lost?: 'request' | 'answer'
}

interface Watch {
  tellServed(served: boolean): void
  /** `present`: the object as it is now; otherwise its last state. */
  notice(object: AnyObject, present: boolean): void
}

export class MemoryState {
  readonly writes: WriteRecord[] = []
  /** By the number of the write, 1 = the first of all. */
  readonly faults = new Map<number, Fault>()
  readonly #objects = new Map<string, StoredObject>()
  readonly #watches = new Map<Kind, Set<Watch>>()
  readonly #unserved = new Set<Kind>()
  #version = 0

  find(ref: ObjectRef): StoredObject | undefined {
    return this.#objects.get(describeRef(ref))
  }

  list(kind: Kind, scope: Scope): AnyObject[] {
    return [...this.#objects.values()]
      .map(({ object }) => object)
      .filter(object => object.kind === kind && fits(object, scope))
  }

  /** Stores the body under the name of `ref`; the server's own fields follow from what was stored before. */
  put(ref: ObjectRef, stored: StoredObject | undefined, { body, ownership }: Managed): AnyObject {
    const before = stored?.object
    const object = this.#stamped(ref, before, body)
    if (before !== undefined && same({ ...before }, { ...object })) {
      this.#objects.set(describeRef(ref), { object: before, ownership })
      return before
    }
    this.#version += 1
    const { deletionTimestamp, finalizers = [] } = object.metadata
    const next = observedObject<AnyObject>(
      { ...object, metadata: { ...object.metadata, resourceVersion: String(this.#version) } },
      ref.kind,
    )
    if (deletionTimestamp !== undefined && finalizers.length === 0) this.#drop(ref, next)
    else {
      this.#objects.set(describeRef(ref), { object: next, ownership })
      this.#tell(ref.kind, next, true)
    }
    return next
  }

  /** With finalizers it stays, marked, until the last one is taken away. */
  remove(ref: ObjectRef, stored: StoredObject): void {
    const { object, ownership } = stored
    const held = (object.metadata.finalizers ?? []).length > 0
    const metadata = { ...object.metadata, deletionTimestamp: '1970-01-01T00:00:00Z' }
    if (held) this.put(ref, stored, { body: { ...object, metadata }, ownership })
    else this.#drop(ref, object)
  }

  watch<T extends KubernetesObject>(kind: Kind, scope: Scope, options: WatchOptions<T>): WatchedStore<T> {
    const watches = this.#watches.get(kind) ?? new Set()
    this.#watches.set(kind, watches)
    const store = new TwinStore<T>(kind, scope, options, watch => watches.delete(watch))
    for (const object of this.list(kind, scope)) store.notice(object, true)
    store.tellServed(!this.#unserved.has(kind))
    watches.add(store)
    return store
  }

  /** A kind that is not served has no objects, and takes none. */
  serve(kind: Kind, served: boolean): void {
    if (served) this.#unserved.delete(kind)
    else this.#unserved.add(kind)
    if (!served)
      for (const [ref, { object }] of this.#objects) if (object.kind === kind) this.#objects.delete(ref)
    for (const watch of this.#watches.get(kind) ?? []) watch.tellServed(served)
  }

  /** What the API server answers to any request for a kind that it does not know. */
  assertServed(kind: Kind): void {
    if (this.#unserved.has(kind))
      throw new ClusterError('NotFound', `${kind}: the server could not find the requested resource`)
  }

  counted<R>(record: WriteRecord, effect: () => R): R {
    this.writes.push(record)
    const fault = this.faults.get(this.writes.length)
    if (fault === undefined) return effect()
    if (fault.lost === 'answer') effect()
    throw fault.error ?? new ClusterError('Unavailable', `${record.verb} ${describeRef(record.ref)}: lost`)
  }

  #drop(ref: ObjectRef, object: AnyObject): void {
    this.#objects.delete(describeRef(ref))
    this.#tell(ref.kind, object, false)
  }

  #tell(kind: Kind, object: AnyObject, present: boolean): void {
    for (const watch of this.#watches.get(kind) ?? []) watch.notice(object, present)
  }

  #stamped(
    { kind, namespace, name }: ObjectRef,
    before: AnyObject | undefined,
    body: Managed['body'],
  ): AnyObject {
    const plain: Record<string, unknown> = JSON.parse(JSON.stringify(body))
    const specChanged = before !== undefined && !same(before.spec, plain.spec)
    const server = before?.metadata ?? { uid: `uid-${this.#version + 1}`, resourceVersion: '', generation: 1 }
    const metadata = {
      ...(isRecord(plain.metadata) ? plain.metadata : {}),
      name,
      ...(namespace === undefined ? {} : { namespace }),
      uid: server.uid,
      resourceVersion: server.resourceVersion,
      generation: (server.generation ?? 1) + (specChanged ? 1 : 0),
    }
    return observedObject<AnyObject>({ ...plain, metadata }, kind)
  }
}

class TwinStore<T extends KubernetesObject> extends Store<T> implements WatchedStore<T>, Watch {
  readonly #scope: Scope
  readonly #kept: WatchOptions<T>['kept']
  readonly #detach: (watch: Watch) => void

  constructor(kind: Kind, scope: Scope, options: WatchOptions<T>, detach: (watch: Watch) => void) {
    super(kind, options.shelving)
    this.#scope = scope
    this.#kept = options.kept
    this.#detach = detach
  }

  notice(object: AnyObject, present: boolean): void {
    const seen = observedObject<T>(object, this.kind, this.#kept)
    if (present && fits(object, this.#scope)) this.set(seen)
    else this.delete(seen)
  }

  tellServed(served: boolean): void {
    if (served) this.complete()
    else this.serves({ state: 'unserved' })
  }

  async stop(): Promise<void> {
    this.#detach(this)
    this.end()
  }
}

function fits(object: KubernetesObject, { namespace, labels = {}, fields = {} }: Scope): boolean {
  const { metadata } = object
  if (namespace !== undefined && metadata.namespace !== namespace) return false
  return (
    Object.entries(labels).every(([key, value]) => metadata.labels?.[key] === value) &&
    Object.entries(fields).every(([path, value]) => fieldAt(object, path) === value)
  )
}

const fieldAt = (object: KubernetesObject, path: string): unknown =>
  path.split('.').reduce<unknown>((part, key) => (isRecord(part) ? part[key] : undefined), object)
