/** How long to wait after failures in a row. Pure. */
export interface BackOffLimits {
  /** Upper end of the first wait. */
  firstMs: number
  /** No wait is longer. */
  mostMs: number
}

/**
 * Milliseconds after the `times`th failure (from 1): doubling up to the limit, and up to half of it taken off, so that not
 * all return at once. `random` is in [0, 1).
 */
export function backOffAfter(times: number, { firstMs, mostMs }: BackOffLimits, random: number): number {
  return Math.min(mostMs, firstMs * 2 ** Math.min(times - 1, 20)) * (0.5 + random / 2)
}
