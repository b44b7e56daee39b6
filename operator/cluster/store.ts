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
  /** Rejects `synced` when no list came before. */
  end(): void
}

export function createStore<T extends KubernetesObject>(
  kind: Kind,
): { store: ObjectStore<T>; feed: StoreFeed<T> } {
  const namespaces = new Map<string, Map<string, T>>()
  const listeners = new Set<(change: Change<T>) => void>()
  const synced = Promise.withResolvers<void>()
  synced.promise.catch(() => {}) // whoever waits hears of it; nobody has to wait

  const tell = (change: Change<T>): void => {
    for (const listener of listeners) listener(change)
  }
  const all = (): T[] => [...namespaces.values()].flatMap(names => [...names.values()])

  function set(object: T): void {
    const { namespace = '', name, uid, resourceVersion } = object.metadata
    const names = namespaces.get(namespace) ?? new Map<string, T>()
    namespaces.set(namespace, names)
    const old = names.get(name)
    names.set(name, object)
    if (old === undefined) tell({ kind: 'added', object })
    else if (old.metadata.uid !== uid) {
      tell({ kind: 'deleted', object: old })
      tell({ kind: 'added', object })
    } else if (old.metadata.resourceVersion !== resourceVersion) tell({ kind: 'updated', object, old })
  }

  function drop({ metadata: { namespace = '', name } }: T): void {
    const names = namespaces.get(namespace)
    const old = names?.get(name)
    if (names === undefined || old === undefined) return
    names.delete(name)
    if (names.size === 0) namespaces.delete(namespace)
    tell({ kind: 'deleted', object: old })
  }

  return {
    store: {
      kind,
      synced: synced.promise,
      get: (namespace, name) => namespaces.get(namespace)?.get(name),
      list(namespace, fits = () => true) {
        const objects = namespace === undefined ? all() : [...(namespaces.get(namespace)?.values() ?? [])]
        return objects.filter(fits).sort(byNamespaceAndName)
      },
      onChange(listener) {
        listeners.add(listener)
        return () => void listeners.delete(listener)
      },
    },
    feed: {
      replace(objects) {
        const kept = new Set(objects.map(identity))
        for (const object of all()) if (!kept.has(identity(object))) drop(object)
        for (const object of objects) set(object)
        synced.resolve()
      },
      set,
      delete: drop,
      end: () => synced.reject(new ClusterError('Unavailable', `the watch of ${kind} was stopped`)),
    },
  }
}

const identity = ({ metadata }: KubernetesObject): string => `${metadata.namespace ?? ''}/${metadata.name}`

function byNamespaceAndName(a: KubernetesObject, b: KubernetesObject): number {
  const [left, right] = [identity(a), identity(b)]
  if (left === right) return 0
  return left < right ? -1 : 1
}
