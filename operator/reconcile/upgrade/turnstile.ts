/**
 * Lets so many DataServices at once restart their pods for a newer revision. Who is inside stands in their status, so that
 * the next process knows it, too; here is only what the watched copies cannot tell yet, and who waits.
 */

/** `namespace/name` of a DataService. */
export type Visitor = string

export type Turn = { kind: 'turn' } | { kind: 'wait'; inside: readonly Visitor[] }

export interface Turnstile {
  /** Asks for a turn; who has to wait is woken when there is room. `first`: before all others that wait. */
  enter(visitor: Visitor, options: { first: boolean }): Turn
  /** Its turn is over, or it needs none. Whoever waits longest is woken when that makes room. */
  leave(visitor: Visitor): void
}

export interface TurnstileOptions {
  /** How many may be inside at once. */
  places: number
  /** Those whose status says that they are inside. */
  inside: () => Iterable<Visitor>
  exists: (visitor: Visitor) => boolean
  wake: (visitor: Visitor) => void
}

export function turnstile({ places, inside, exists, wake }: TurnstileOptions): Turnstile {
  /** True: came in, false: left, whatever the copies say. */
  const known = new Map<Visitor, boolean>()
  let waiting: readonly Visitor[] = []
  const insideNow = (): Set<Visitor> => {
    const found = new Set(inside())
    for (const [visitor, isInside] of known)
      if (isInside && exists(visitor)) found.add(visitor)
      else found.delete(visitor)
    return found
  }
  return {
    enter(visitor, { first }) {
      const now = insideNow()
      const others = waiting.filter(each => each !== visitor)
      if (now.has(visitor) || now.size < places) {
        known.set(visitor, true)
        waiting = others
        return { kind: 'turn' }
      }
      if (first) waiting = [visitor, ...others]
      else if (!waiting.includes(visitor)) waiting = [...waiting, visitor]
      return { kind: 'wait', inside: [...now] }
    },
    leave(visitor) {
      if (known.get(visitor) !== true && !waiting.includes(visitor)) return
      if (exists(visitor)) known.set(visitor, false)
      else known.delete(visitor)
      waiting = waiting.filter(each => each !== visitor && exists(each))
      const free = Math.max(0, places - insideNow().size)
      for (const next of waiting.slice(0, free)) wake(next)
    },
  }
}
