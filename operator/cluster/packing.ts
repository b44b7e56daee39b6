/** Groups of objects as short texts: what nobody looks at for a while takes little memory. */
import {
  type Difference,
  differencesFrom,
  type Pattern,
  patternOf,
  restored,
  type Subjects,
} from './likeness.ts'
import type { KubernetesObject } from './port.ts'

/** What one packer packed, another cannot unpack. */
export interface Packer<T extends KubernetesObject> {
  pack(objects: readonly T[], subjects: Subjects): string
  unpack(packed: string, subjects: Subjects): T[]
}

/** Of one kind. Objects that resemble none of them take more room, and that is all. */
const mostPatterns = 64
/** A pattern from which less differs is good enough. */
const fewCharacters = 400

/** Values that differ, each once, and for each object its pattern and in turns a place and the number of its value. */
type Packed = readonly [values: readonly unknown[], ...objects: (readonly number[])[]]

/** `likeness`: objects for which it is the same are likely to resemble each other. */
export function packer<T extends KubernetesObject>(likeness: (object: T) => string): Packer<T> {
  const patterns = new Patterns(likeness)
  return {
    pack(objects, subjects) {
      const { values, numberOf } = numbered()
      const rows = objects.map(object => {
        const { pattern, differences } = patterns.told(object, subjects)
        return [pattern, ...differences.flatMap(([place, value]) => [place, numberOf(value)])]
      })
      return JSON.stringify([values, ...rows])
    },
    unpack(packed, subjects) {
      const [values, ...rows]: Packed = JSON.parse(packed)
      return rows.map(([number = 0, ...pairs]) => {
        const differences: Difference[] = []
        for (let at = 0; at < pairs.length; at += 2)
          differences.push([pairs[at] ?? 0, values[pairs[at + 1] ?? 0]])
        return restored(patterns.at(number), differences, subjects) as T // it was a T that was packed
      })
    },
  }
}

/** Gives each value a number, equal ones the same. */
function numbered() {
  const values: unknown[] = []
  const numbers = new Map<string, number>()
  const numberOf = (value: unknown): number => {
    const text = JSON.stringify(value)
    const known = numbers.get(text)
    if (known !== undefined) return known
    numbers.set(text, values.length)
    return values.push(value) - 1
  }
  return { values, numberOf }
}

/** An object as what differs from a pattern. */
interface Told {
  pattern: number
  differences: Difference[]
  /** Characters that the differences take. */
  size: number
}

class Patterns<T extends KubernetesObject> {
  readonly #likeness: (object: T) => string
  readonly #all: Pattern[] = []
  readonly #byLikeness = new Map<string, number[]>()

  constructor(likeness: (object: T) => string) {
    this.#likeness = likeness
  }

  at(number: number): Pattern {
    const pattern = this.#all[number]
    if (pattern === undefined) throw new Error(`there is no pattern ${number}`)
    return pattern
  }

  /** By the first pattern from which little differs, else by the best one, or by itself as a new one. */
  told(object: T, subjects: Subjects): Told {
    const isFull = this.#all.length >= mostPatterns
    const candidates = this.#byLikeness.get(this.#likeness(object)) ?? (isFull ? [0] : [])
    let best: Told | undefined
    for (const pattern of candidates) {
      const differences = differencesFrom(this.at(pattern), object, subjects)
      const size = JSON.stringify(differences).length
      if (best === undefined || size < best.size) best = { pattern, differences, size }
      if (size < fewCharacters) return best
    }
    return isFull && best !== undefined ? best : this.#learned(object, subjects)
  }

  #learned(object: T, subjects: Subjects): Told {
    const like = this.#likeness(object)
    const pattern = this.#all.push(patternOf(object, subjects)) - 1
    this.#byLikeness.set(like, [...(this.#byLikeness.get(like) ?? []), pattern])
    return { pattern, differences: [], size: 0 }
  }
}
