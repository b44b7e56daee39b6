/** The copy of the objects of one kind that a reflector keeps fresh. No I/O. */
import { ClusterError } from './errors.ts'
import type { Change, KubernetesObject, ObjectStore } from './port.ts'
import type { Kind } from './resources.ts'

/** The side of the reflector. */
export interface StoreFeed<T extends KubernetesObject> {
  /** A complete list: what is not in it is gone. The first one resolves `synced`. */
  replace(objects: readonly T[]): void
  set(object: T): void
  delete(object: T): void
  /** What has none of these identities is gone. */
  keepOnly(kept: ReadonlySet<string>): void
  /** Rejects `synced` when no list came before. */
  end(): void
}

export class Store<T extends KubernetesObject> implements ObjectStore<T>, StoreFeed<T> {
  readonly kind: Kind
  readonly #namespaces = new Map<string, Map<string, T>>()
  readonly #listeners = new Set<(change: Change<T>) => void>()
  readonly #synced = Promise.withResolvers<void>()

  constructor(kind: Kind) {
    this.kind = kind
    this.synced.catch(() => {}) // whoever waits hears of it; nobody has to wait
  }

  get synced(): Promise<void> {
    return this.#synced.promise
  }

  get(namespace: string, name: string): T | undefined {
    return this.#namespaces.get(namespace)?.get(name)
  }

  list(namespace?: string, fits: (object: T) => boolean = () => true): T[] {
    const objects =
      namespace === undefined ? this.#all() : [...(this.#namespaces.get(namespace)?.values() ?? [])]
    return objects.filter(fits).sort(byNamespaceAndName)
  }

  onChange(listener: (change: Change<T>) => void): () => void {
    this.#listeners.add(listener)
    return () => void this.#listeners.delete(listener)
  }

  replace(objects: readonly T[]): void {
    this.keepOnly(new Set(objects.map(identity)))
    for (const object of objects) this.set(object)
    this.#synced.resolve()
  }

  keepOnly(kept: ReadonlySet<string>): void {
    for (const object of this.#all()) if (!kept.has(identity(object))) this.delete(object)
  }

  set(object: T): void {
    const { namespace = '', name, uid } = object.metadata
    const names = this.#namespaces.get(namespace) ?? new Map<string, T>()
    this.#namespaces.set(namespace, names)
    const old = names.get(name)
    // Told again as a watch begins anew: what is held is as good, and stays where the memory has it.
    if (old !== undefined && isSameState(old, object)) return
    names.set(name, object)
    if (old === undefined) this.#tell({ kind: 'added', object })
    else if (old.metadata.uid !== uid) {
      this.#tell({ kind: 'deleted', object: old })
      this.#tell({ kind: 'added', object })
    } else this.#tell({ kind: 'updated', object, old })
  }

  delete({ metadata: { namespace = '', name } }: T): void {
    const names = this.#namespaces.get(namespace)
    const old = names?.get(name)
    if (names === undefined || old === undefined) return
    names.delete(name)
    if (names.size === 0) this.#namespaces.delete(namespace)
    this.#tell({ kind: 'deleted', object: old })
  }

  end(): void {
    this.#synced.reject(new ClusterError('Unavailable', `the watch of ${this.kind} was stopped`))
  }

  #all(): T[] {
    return [...this.#namespaces.values()].flatMap(names => [...names.values()])
  }

  #tell(change: Change<T>): void {
    for (const listener of this.#listeners) listener(change)
  }
}

const isSameState = ({ metadata: one }: KubernetesObject, { metadata: other }: KubernetesObject): boolean =>
  one.uid === other.uid && one.resourceVersion === other.resourceVersion && one.resourceVersion !== undefined

/** Of all objects of one kind. */
export const identity = ({ metadata }: KubernetesObject): string =>
  `${metadata.namespace ?? ''}/${metadata.name}`

function byNamespaceAndName(a: KubernetesObject, b: KubernetesObject): number {
  const [left, right] = [identity(a), identity(b)]
  if (left === right) return 0
  return left < right ? -1 : 1
}
