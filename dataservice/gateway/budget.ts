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
