/**
 * Keys that wait, `namespace/name`. Namespaces take turns, so that one with very many keys does not keep the others
 * waiting; within a namespace the order is that in which keys came.
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

  /** The key whose turn it is, which then waits no more; undefined when none waits. */
  take(): string | undefined {
    const [turn] = this.#namespaces
    if (turn === undefined) return undefined
    const [namespace, keys] = turn
    const [key] = keys
    this.#namespaces.delete(namespace)
    if (key === undefined) return undefined
    keys.delete(key)
    if (keys.size > 0) this.#namespaces.set(namespace, keys)
    this.#size -= 1
    return key
  }

  clear(): void {
    this.#namespaces.clear()
    this.#size = 0
  }
}

const namespaceOf = (key: string): string => key.slice(0, Math.max(0, key.indexOf('/')))
