/**
 * What the operator needs of a Kubernetes cluster, cut to size.
 * `kubernetes.ts` is the real adapter, `in-memory.ts` its twin for tests; both pass `cluster.contract.ts`.
 * Every method rejects with ClusterError and nothing else. Objects that come back are frozen: build new ones from them.
 */
import type { Kind } from './resources.ts'

/** All writes of the loop carry this field manager; status has one of its own, so that an apply never drops it. */
export const fieldManager = 'dataservice-operator'
export const statusFieldManager = 'dataservice-operator-status'

export interface OwnerReference {
  apiVersion: string
  kind: string
  name: string
  uid: string
  controller?: boolean
  blockOwnerDeletion?: boolean
}

export interface ObjectMeta {
  name: string
  namespace?: string
  uid?: string
  resourceVersion?: string
  generation?: number
  labels?: Record<string, string>
  annotations?: Record<string, string>
  ownerReferences?: OwnerReference[]
  finalizers?: string[]
  /** RFC 3339. */
  creationTimestamp?: string
  deletionTimestamp?: string
}

/** What every object has. Narrower types (`WireObject<V1Deployment>`) are assignable to it. */
export interface KubernetesObject {
  apiVersion: string
  kind: string
  metadata: ObjectMeta
}

type WireName<K> = K extends `x_kubernetes_${infer Rest}`
  ? `x-kubernetes-${Dashes<Rest>}`
  : K extends `_${infer Rest}`
    ? Rest
    : K
type Dashes<S extends string> = S extends `${infer Head}_${infer Tail}` ? `${Head}-${Dashes<Tail>}` : S
type IsAny<T> = 0 extends 1 & T ? true : false

/**
 * A type of client-node as its JSON looks: `_from` is `from`, `x_kubernetes_int_or_string` is
 * `x-kubernetes-int-or-string`, a Date is a string. Bodies are sent as they are, so builders use this form.
 */
export type Wire<T> =
  IsAny<T> extends true
    ? unknown
    : T extends Date
      ? string
      : T extends readonly (infer E)[]
        ? Wire<E>[]
        : T extends object
          ? { [K in keyof T as WireName<K>]: Wire<T[K]> }
          : T

/** `WireObject<V1Deployment>`: the wire form with apiVersion, kind and our metadata, all required. */
export type WireObject<T> = KubernetesObject & Omit<Wire<T>, 'apiVersion' | 'kind' | 'metadata'>

export interface ObjectRef {
  kind: Kind
  /** Absent for cluster-scoped kinds. */
  namespace?: string
  name: string
}

/** Which objects of a kind: of one namespace (absent = all), with exactly these values. */
export interface Scope {
  namespace?: string
  labels?: Readonly<Record<string, string>>
  /** By their path. The API server chooses by few, which the kind decides: `reason` of an event. */
  fields?: Readonly<Record<string, string>>
}

/** `created` holds the stored object; `exists` says that the name is taken (read it to know by whom). */
export type Creation<T> = { kind: 'created'; object: T } | { kind: 'exists' }

export interface EventNote {
  /** The object the event speaks of; its uid is needed for `kubectl describe` to show it. */
  regarding: KubernetesObject
  type: 'Normal' | 'Warning'
  /** CamelCase, at most 128 characters. */
  reason: string
  /** What was being done, CamelCase, e.g. `Reconcile`. */
  action: string
  /** For people; cut at 1024 characters. */
  note: string
  at: Date
}

export interface ClusterPort {
  /** The live object, or undefined when there is none. */
  get<T extends KubernetesObject>(ref: ObjectRef): Promise<T | undefined>
  /** The live objects, read in chunks. Refuses Secrets (Invalid): they are never listed. */
  list<T extends KubernetesObject>(kind: Kind, scope?: Scope): Promise<T[]>
  /**
   * Server-side apply of the whole object; answers the stored one. A field that belongs to another manager is taken. A
   * `metadata.uid` is a precondition: when the stored object has another one, or is gone, it rejects with Conflict; of a
   * stored object its `metadata.resourceVersion` is one, too. Unknown or doubled fields are Invalid.
   */
  apply<T extends KubernetesObject>(object: T): Promise<T>
  /** The same of an object that is not there yet: under a taken name nothing is written, whoever has it. */
  applyNew<T extends KubernetesObject>(object: T): Promise<Creation<T>>
  /** POST; a taken name is an answer, not an error. */
  create<T extends KubernetesObject>(object: T): Promise<Creation<T>>
  /**
   * Replaces the whole status by `object.status`; nothing else of the object is written. Undefined when the object is
   * gone or was replaced (another uid). Invalid when the object carries no uid or the status does not fit its schema.
   */
  patchStatus<T extends KubernetesObject & { status?: unknown }>(object: T): Promise<T | undefined>
  /**
   * Sets the number by the scale subresource, which touches no other field. Where the number is not the one that was
   * seen, `from`, it is a Conflict.
   */
  scale(ref: ObjectRef, replicas: number, from: number): Promise<void>
  /** Deletes the object with this uid. `absent`: it was gone already. Another uid under the name: Conflict. */
  remove(ref: ObjectRef, options: { uid: string; propagation: Propagation }): Promise<'removed' | 'absent'>
  /** Writes an event. The caller decides whether a failure matters; it rarely does. */
  event(note: EventNote): Promise<void>
}

export type Propagation = 'Background' | 'Foreground' | 'Orphan'

/**
 * Whether the API server serves a kind. `unread`: it has not answered yet. `unserved`: it knows no such kind; what was
 * read before stays in the copy. `refused`: it has not given any list so far.
 */
export type Serving = { state: 'unread' | 'served' | 'unserved' } | { state: 'refused'; message: string }

/** A replaced object (same name, new uid) arrives as `deleted` and then `added`. */
export type Change<T extends KubernetesObject = KubernetesObject> =
  | { kind: 'added'; object: T }
  | { kind: 'updated'; object: T; old: T }
  /** `object` is the last known state. */
  | { kind: 'deleted'; object: T }

/**
 * A copy of all objects of one kind and scope, kept fresh by a watch. It lags behind the API server.
 * Objects are shared and frozen; those that were not touched for a while may come back as equal ones, not as the same.
 * `metadata.managedFields` is left out.
 */
export interface ObjectStore<T extends KubernetesObject = KubernetesObject> {
  readonly kind: Kind
  get(namespace: string, name: string): T | undefined
  /** All objects of a namespace (absent = every one), optionally only those that fit. Sorted by namespace and name. */
  list(namespace?: string, fits?: (object: T) => boolean): T[]
  /**
   * The objects of a namespace that are kept together under this name (`WatchOptions.shelving`), sorted by name.
   * Throws when none were named.
   */
  group(namespace: string, name: string): T[]
  /** Resolves when the first complete list has arrived; rejects with Unavailable when stopped before. */
  readonly synced: Promise<void>
  /** What is known of the kind itself. */
  readonly serving: Serving
  /** Calls back on each change from now on; answers the function that ends it. Call-backs must not throw. */
  onChange(listener: (change: Change<T>) => void): () => void
  /** The same for each change of `serving`. */
  onServing(listener: () => void): () => void
}

export interface WatchedStore<T extends KubernetesObject = KubernetesObject> extends ObjectStore<T> {
  /** Ends the watch at once; resolves when nothing of it runs any more. */
  stop(): Promise<void>
}

export interface WatchPort {
  /** Starts at once; refuses Secrets by throwing Invalid. Trouble is retried for ever and reported to the log port. */
  watch<T extends KubernetesObject>(kind: Kind, scope?: Scope, options?: WatchOptions<T>): WatchedStore<T>
}

/** How the objects of a kind are kept; decisions do not depend on it. */
export interface Shelving<T extends KubernetesObject = KubernetesObject> {
  /** Objects of one namespace with the same answer are asked for together. Default: each stands alone. */
  groupOf?: (object: T) => string
  /** Objects with the same answer are likely to resemble each other. */
  likeness?: (object: T) => string
  /** Objects that were touched last are kept as they are, so many at least. Default: all of them. */
  unpacked?: number
}

/** An object as it came, but for what nobody here reads. */
export interface KeptObject {
  apiVersion: string
  kind: string
  metadata: Record<string, unknown>
  [field: string]: unknown
}

export type Kept = (object: KeptObject) => object

export interface WatchOptions<T extends KubernetesObject = KubernetesObject> {
  /** A kind that the API server does not know counts as one without objects, until it does. Once seen it is never so taken again. */
  mayBeUnserved?: boolean
  shelving?: Shelving<T>
  /** What of an object is kept. Default: all. */
  kept?: Kept
}
