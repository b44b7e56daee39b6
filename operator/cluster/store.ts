/** The copy of the objects of one kind that a reflector keeps fresh. No I/O. */
import { ClusterError } from './errors.ts'
import type { Change, KubernetesObject, ObjectStore, Serving, Shelving } from './port.ts'
import type { Kind } from './resources.ts'
import { Shelves, stampOf } from './shelves.ts'

/** The side of the reflector. */
export interface StoreFeed<T extends KubernetesObject> {
  /** A complete list: what is not in it is gone. The first one resolves `synced`. */
  replace(objects: readonly T[]): void
  /** `isNew`: the server said that it was just made, or tells all there is. */
  set(object: T, isNew?: boolean): void
  delete(object: T): void
  /** What is in none of these states (`stampOf`) is gone. */
  keepOnly(stamps: ReadonlySet<number>): void
  /** All there is was told. The first time resolves `synced`. */
  complete(): void
  readonly serving: Serving
  /** What the API server said of the kind; a complete list says `served`. */
  serves(serving: Serving): void
  /** Rejects `synced` when no list came before. */
  end(): void
}

export class Store<T extends KubernetesObject> implements ObjectStore<T>, StoreFeed<T> {
  readonly kind: Kind
  readonly #shelves: Shelves<T>
  readonly #isGrouped: boolean
  readonly #listeners = new Set<(change: Change<T>) => void>()
  readonly #servingListeners = new Set<() => void>()
  readonly #synced = Promise.withResolvers<void>()
  #serving: Serving = { state: 'unread' }

  constructor(kind: Kind, shelving?: Shelving<T>) {
    this.kind = kind
    this.#shelves = new Shelves(shelving)
    this.#isGrouped = shelving?.groupOf !== undefined
    this.synced.catch(() => {}) // whoever waits hears of it; nobody has to wait
  }

  get synced(): Promise<void> {
    return this.#synced.promise
  }

  get serving(): Serving {
    return this.#serving
  }

  get(namespace: string, name: string): T | undefined {
    return this.#shelves.find(namespace, name)
  }

  list(namespace?: string, fits: (object: T) => boolean = () => true): T[] {
    return this.#shelves.of(namespace).filter(fits).sort(byNamespaceAndName)
  }

  group(namespace: string, name: string): T[] {
    if (!this.#isGrouped) throw new Error(`objects of kind ${this.kind} were not put into groups`)
    return this.#shelves.of(namespace, name).sort(byNamespaceAndName)
  }

  onChange(listener: (change: Change<T>) => void): () => void {
    this.#listeners.add(listener)
    return () => void this.#listeners.delete(listener)
  }

  onServing(listener: () => void): () => void {
    this.#servingListeners.add(listener)
    return () => void this.#servingListeners.delete(listener)
  }

  serves(serving: Serving): void {
    const isNews = this.#serving.state !== serving.state
    this.#serving = serving
    if (isNews) for (const listener of this.#servingListeners) listener()
  }

  replace(objects: readonly T[]): void {
    for (const object of objects) this.set(object, true)
    this.keepOnly(new Set(objects.map(stampOf)))
    this.complete()
  }

  complete(): void {
    this.#synced.resolve()
    this.serves({ state: 'served' })
  }

  keepOnly(stamps: ReadonlySet<number>): void {
    for (const object of this.#shelves.without(stamps)) this.delete(object)
  }

  set(object: T, isNew = false): void {
    // Told again as a watch begins anew: what is held is as good, and stays where the memory has it.
    if (object.metadata.resourceVersion !== undefined && this.#shelves.holds(object)) return
    const old = this.#shelves.put(object, isNew)
    if (old === undefined) this.#tell({ kind: 'added', object })
    else if (old.metadata.uid !== object.metadata.uid) {
      this.#tell({ kind: 'deleted', object: old })
      this.#tell({ kind: 'added', object })
    } else this.#tell({ kind: 'updated', object, old })
  }

  delete(object: T): void {
    const old = this.#shelves.take(object)
    if (old !== undefined) this.#tell({ kind: 'deleted', object: old })
  }

  end(): void {
    this.#synced.reject(new ClusterError('Unavailable', `the watch of ${this.kind} was stopped`))
  }

  #tell(change: Change<T>): void {
    for (const listener of this.#listeners) listener(change)
  }
}

const identity = ({ metadata }: KubernetesObject): string => `${metadata.namespace ?? ''}/${metadata.name}`

function byNamespaceAndName(a: KubernetesObject, b: KubernetesObject): number {
  const [left, right] = [identity(a), identity(b)]
  if (left === right) return 0
  return left < right ? -1 : 1
}
