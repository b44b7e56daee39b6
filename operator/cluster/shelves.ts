/** Where a store keeps its objects: in groups that are asked for together, those that rest packed. No I/O. */
import { type Packer, packer } from './packing.ts'
import type { KubernetesObject, Shelving } from './port.ts'

/** Identifies a state of an object: so few bits that thousands of millions of objects would have to be compared to mistake one. */
export function stampOf({ metadata }: KubernetesObject): number {
  const { namespace = '', name, uid = '', resourceVersion = '' } = metadata
  const text = `${namespace}/${name} ${uid} ${resourceVersion}`
  let [low, high] = [0xdeadbeef, 0x41c6ce57]
  for (let at = 0; at < text.length; at++) {
    const code = text.charCodeAt(at)
    low = Math.imul(low ^ code, 2654435761)
    high = Math.imul(high ^ code, 1597334677)
  }
  low = Math.imul(low ^ (low >>> 16), 2246822507) ^ Math.imul(high ^ (high >>> 13), 3266489909)
  high = Math.imul(high ^ (high >>> 16), 2246822507) ^ Math.imul(low ^ (low >>> 13), 3266489909)
  return 4294967296 * (2097151 & high) + (low >>> 0)
}

/** Objects of one namespace that are asked for together. */
interface Group<T> {
  namespace: string
  name: string
  /** By name; undefined while packed. */
  objects: Map<string, T> | undefined
  packed: string
  /** Of what is packed, in no order. */
  stamps: readonly number[]
}

export class Shelves<T extends KubernetesObject> {
  readonly #groupOf: (object: T) => string
  readonly #packer: Packer<T>
  readonly #unpacked: number
  /** A namespace mostly holds one group. */
  readonly #namespaces = new Map<string, Group<T> | Map<string, Group<T>>>()
  /** Groups that are not packed; the one touched last is last. */
  readonly #open = new Set<Group<T>>()
  #openObjects = 0

  constructor({ groupOf, likeness = () => '', unpacked = Number.POSITIVE_INFINITY }: Shelving<T> = {}) {
    this.#groupOf = groupOf ?? (({ metadata }) => metadata.name)
    this.#packer = packer(likeness)
    this.#unpacked = unpacked
    this.#isAlone = groupOf === undefined
  }

  /** Each object is a group of its own name. */
  readonly #isAlone: boolean

  find(namespace: string, name: string): T | undefined {
    const group = this.#isAlone ? this.#group(namespace, name) : undefined
    if (this.#isAlone) return group && this.#read(group).find(object => object.metadata.name === name)
    return this.of(namespace).find(object => object.metadata.name === name)
  }

  /** Whether this very state is held: told without unpacking anything. */
  holds(object: T): boolean {
    const group = this.#group(object.metadata.namespace ?? '', this.#groupOf(object))
    if (group?.objects === undefined) return group?.stamps.includes(stampOf(object)) === true
    const held = group.objects.get(object.metadata.name)
    return held !== undefined && stampOf(held) === stampOf(object)
  }

  /** Answers what stood in its place. `isNew`: it cannot stand in another group. */
  put(object: T, isNew: boolean): T | undefined {
    const { namespace = '', name } = object.metadata
    const own = this.#ensured(namespace, this.#groupOf(object))
    const objects = this.#opened(own)
    let old = objects.get(name)
    if (old === undefined && !isNew) old = this.#takenFrom(namespace, name, own)
    if (!objects.has(name)) this.#openObjects += 1
    objects.set(name, object)
    this.#packOldest()
    return old
  }

  /** Answers what was taken away. */
  take(object: T): T | undefined {
    const { namespace = '', name } = object.metadata
    const own = this.#group(namespace, this.#groupOf(object))
    return (own && this.#removed(own, name)) ?? this.#takenFrom(namespace, name, own)
  }

  /** All, or those of a namespace, or of one of its groups; in no order. */
  of(namespace?: string, group?: string): T[] {
    if (namespace === undefined) return this.#all().flatMap(each => this.#read(each))
    if (group === undefined) return this.#within(namespace).flatMap(each => this.#read(each))
    const found = this.#group(namespace, group)
    return found === undefined ? [] : this.#read(found)
  }

  /** Those whose states have none of these stamps. */
  without(stamps: ReadonlySet<number>): T[] {
    const isOut = (object: T): boolean => !stamps.has(stampOf(object))
    return this.#all().flatMap(group => {
      const rests = group.objects === undefined && group.stamps.every(stamp => stamps.has(stamp))
      return rests ? [] : this.#read(group).filter(isOut)
    })
  }

  #group(namespace: string, name: string): Group<T> | undefined {
    const found = this.#namespaces.get(namespace)
    if (found instanceof Map) return found.get(name)
    return found?.name === name ? found : undefined
  }

  #within(namespace: string): Group<T>[] {
    const found = this.#namespaces.get(namespace)
    if (found === undefined) return []
    return found instanceof Map ? [...found.values()] : [found]
  }

  #all(): Group<T>[] {
    return [...this.#namespaces.keys()].flatMap(namespace => this.#within(namespace))
  }

  #ensured(namespace: string, name: string): Group<T> {
    const known = this.#group(namespace, name)
    if (known !== undefined) return known
    const group: Group<T> = { namespace, name, objects: new Map(), packed: '', stamps: [] }
    const others = this.#namespaces.get(namespace)
    if (others === undefined) this.#namespaces.set(namespace, group)
    else if (others instanceof Map) others.set(name, group)
    else {
      this.#namespaces.set(
        namespace,
        new Map([
          [others.name, others],
          [name, group],
        ]),
      )
    }
    this.#open.add(group)
    return group
  }

  #forgotten({ namespace, name }: Group<T>): void {
    const others = this.#namespaces.get(namespace)
    if (others instanceof Map) others.delete(name)
    if (!(others instanceof Map) || others.size === 0) this.#namespaces.delete(namespace)
  }

  #takenFrom(namespace: string, name: string, except: Group<T> | undefined): T | undefined {
    if (this.#isAlone) return undefined
    const holder = this.#within(namespace).find(
      group => group !== except && this.#read(group).some(object => object.metadata.name === name),
    )
    return holder && this.#removed(holder, name)
  }

  #removed(group: Group<T>, name: string): T | undefined {
    const objects = this.#opened(group)
    const old = objects.get(name)
    if (objects.delete(name)) this.#openObjects -= 1
    if (objects.size === 0) {
      this.#open.delete(group)
      this.#forgotten(group)
    }
    return old
  }

  /** As it is: who only reads leaves it packed. */
  #read(group: Group<T>): T[] {
    return group.objects === undefined ? this.#unpack(group) : [...group.objects.values()]
  }

  #unpack({ packed, namespace, name }: Group<T>): T[] {
    return this.#packer.unpack(packed, [namespace, name])
  }

  #opened(group: Group<T>): Map<string, T> {
    this.#open.delete(group)
    this.#open.add(group)
    if (group.objects !== undefined) return group.objects
    const objects = new Map(this.#unpack(group).map(object => [object.metadata.name, object]))
    this.#openObjects += objects.size
    Object.assign(group, { objects, packed: '', stamps: [] })
    return objects
  }

  #packOldest(): void {
    for (const group of this.#open) {
      const { objects, namespace, name } = group
      if (this.#openObjects <= this.#unpacked || this.#open.size === 1 || objects === undefined) return
      const all = [...objects.values()]
      const packed = this.#packer.pack(all, [namespace, name])
      Object.assign(group, { objects: undefined, packed, stamps: all.map(stampOf) })
      this.#open.delete(group)
      this.#openObjects -= all.length
    }
  }
}
