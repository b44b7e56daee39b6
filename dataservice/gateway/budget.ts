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

/** A `ServerResponse`. */
interface Closing {
  /** True from the moment on when it closes. */
  readonly destroyed: boolean
  once(event: 'close', give: () => void): unknown
}

/**
 * Takes room that is given back when an answer closes, which it does exactly once, whatever becomes of the request. A
 * client may have left while its caller was made out: nothing is taken for an answer that has closed already, because
 * nobody would hear of it again.
 */
export function takeFor(answer: Closing, budget: ByteBudget) {
  let held = 0
  let isClosed = answer.destroyed
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
