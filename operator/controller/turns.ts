/** What of the workers there is for each namespace. */
export interface Room {
  /** Runs under way. */
  running: (namespace: string) => number
  mayBegin: (namespace: string) => boolean
}

const roomForAll: Room = { running: () => 0, mayBegin: () => true }

/**
 * Keys that wait, `namespace/name`. Namespaces take turns, and those with the fewest runs under way come first, so that
 * one with very many keys does not keep the others waiting; within a namespace the order is that in which keys came.
 */
export class Turns {
  /** The namespace whose turn it is comes first. A namespace without keys is not there. */
  readonly #namespaces = new Map<string, Set<string>>()
  #size = 0

  get size(): number {
    return this.#size
  }

  /** A key that waits already keeps its place. */
  add(key: string): void {
    const namespace = namespaceOf(key)
    const keys = this.#namespaces.get(namespace) ?? new Set()
    if (keys.has(key)) return
    this.#namespaces.set(namespace, keys.add(key))
    this.#size += 1
  }

  has(key: string): boolean {
    return this.#namespaces.get(namespaceOf(key))?.has(key) === true
  }

  remove(key: string): void {
    const namespace = namespaceOf(key)
    const keys = this.#namespaces.get(namespace)
    if (keys?.delete(key) !== true) return
    if (keys.size === 0) this.#namespaces.delete(namespace)
    this.#size -= 1
  }

  /** The key whose turn it is, which then waits no more; undefined when none waits that may begin. */
  take(room: Room = roomForAll): string | undefined {
    const namespace = this.#next(room)
    if (namespace === undefined) return undefined
    const keys = this.#namespaces.get(namespace)
    const [key] = keys ?? []
    if (keys === undefined || key === undefined) return undefined
    this.#namespaces.delete(namespace)
    keys.delete(key)
    if (keys.size > 0) this.#namespaces.set(namespace, keys)
    this.#size -= 1
    return key
  }

  #next({ running, mayBegin }: Room): string | undefined {
    let best: string | undefined
    let fewest = Number.POSITIVE_INFINITY
    for (const namespace of this.#namespaces.keys()) {
      const count = running(namespace)
      if (count >= fewest || !mayBegin(namespace)) continue
      if (count === 0) return namespace
      best = namespace
      fewest = count
    }
    return best
  }

  clear(): void {
    this.#namespaces.clear()
    this.#size = 0
  }
}

/** Of a key. */
export const namespaceOf = (key: string): string => key.slice(0, Math.max(0, key.indexOf('/')))
