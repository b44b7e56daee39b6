/**
 * Keeps a status that is about to change again from being written: while a stack comes up, each of its parts moves the
 * conditions, and only where it stands still for a moment is there something to read. Remembered by the process; a new
 * one begins anew, and writes a little later what it would have written.
 */
import type { DataServiceStatus } from '#crds/v1alpha1/status.ts'
import { isUnderway, toldBy } from '#operator/status/underway.ts'

export interface Patience {
  /** Milliseconds after which the status should be looked at again instead of being written; undefined: it is written now. */
  waitMs(key: string, before: DataServiceStatus | undefined, after: DataServiceStatus): number | undefined
  /** It was written, is the same again, or its DataService is gone. */
  forget(key: string): void
}

/** What stands so long is told. */
const stillMs = 2_000
/** And what moves on and on, too. */
const mostMs = 120_000

interface Held {
  told: string
  /** Since it tells this. */
  since: number
  /** Since it differs from the one that is stored. */
  first: number
}

/** `now`: milliseconds of a monotonic clock. */
export function patience(now: () => number): Patience {
  const held = new Map<string, Held>()
  return {
    waitMs(key, before, after) {
      if (before === undefined || !isUnderway(before, after)) return undefined
      const known = held.get(key) ?? { told: '', since: now(), first: now() }
      const told = toldBy(after)
      const since = known.told === told ? known.since : now()
      held.set(key, { told, since, first: known.first })
      const dueMs = Math.min(since + stillMs, known.first + mostMs) - now()
      return dueMs > 0 ? dueMs : undefined
    },
    forget: key => void held.delete(key),
  }
}
