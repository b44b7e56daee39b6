/** Bytes of request bodies that may be in memory at once. */

export interface ByteBudget {
  /** Takes bytes, or answers false when they are not free. */
  take(bytes: number): boolean
  give(bytes: number): void
  readonly used: number
}

export function byteBudget(limit: number): ByteBudget {
  let used = 0
  return {
    take(bytes) {
      if (used + bytes > limit) return false
      used += bytes
      return true
    },
    give(bytes) {
      used -= bytes
    },
    get used() {
      return used
    },
  }
}

/** Takes room that is given back when an answer closes, which it does exactly once, whatever becomes of the request. */
export function takeFor(answer: { once(event: 'close', give: () => void): unknown }, budget: ByteBudget) {
  let held = 0
  let isClosed = false
  answer.once('close', () => {
    isClosed = true
    budget.give(held)
  })
  return (bytes: number): boolean => {
    const isFree = !isClosed && budget.take(bytes)
    if (isFree) held += bytes
    return isFree
  }
}
