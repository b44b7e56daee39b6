/** How long to wait after repeated failures. */
export interface BackoffLimits {
  /** Upper end of the first wait. */
  baseMs: number
  /** No wait is longer. */
  maxMs: number
}

/**
 * The wait in milliseconds before the next try, after `failures` (1 or more) in a row: between half of and the whole
 * of base, doubled with each failure and cut at max. `random` answers a number in [0, 1); it spreads those who fail
 * together, and half stays fixed so that nobody returns at once.
 */
export function backoffMs(failures: number, { baseMs, maxMs }: BackoffLimits, random: () => number): number {
  const ceiling = Math.min(maxMs, baseMs * 2 ** Math.min(Math.max(failures, 1) - 1, 40))
  return Math.round(ceiling * (0.5 + random() / 2))
}
