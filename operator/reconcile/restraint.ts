/**
 * Keeps two managers from writing against each other without end: what somebody else changes again and again is put back
 * a few times, then left for a while; what is rewritten on its way into the cluster is left at once. Remembered by the
 * process; a new one begins anew.
 */
export interface Restraint {
  /** True while the object with this uid was put back too often lately, or was rewritten. */
  isHeld(uid: string): boolean
  /** It was put back just now. */
  note(uid: string): void
  /** It was sent just now, and stored with other values: sent again it would be again. */
  hold(uid: string): void
}

/** An object is put back so often in a minute, at most. */
const most = 3
const windowMs = 60_000
/** So long what was rewritten is left. That the rewriting has ended is only seen by sending it again. */
const rewrittenMs = 600_000

/** `now`: milliseconds of a monotonic clock. */
export function restraint(now: () => number): Restraint {
  const writes = new Map<string, readonly number[]>()
  const heldUntil = new Map<string, number>()
  const isRewritten = (uid: string): boolean => (heldUntil.get(uid) ?? 0) > now()
  const lately = (uid: string): readonly number[] =>
    (writes.get(uid) ?? []).filter(time => now() - time < windowMs)
  return {
    isHeld: uid => isRewritten(uid) || lately(uid).length >= most,
    note: uid => {
      writes.set(uid, [...lately(uid), now()])
      for (const each of writes.keys()) if (lately(each).length === 0) writes.delete(each)
    },
    hold: uid => {
      heldUntil.set(uid, now() + rewrittenMs)
      for (const each of heldUntil.keys()) if (!isRewritten(each)) heldUntil.delete(each)
    },
  }
}

/** Until a look at what is held makes sense again. */
export const contestedRecheckMs = windowMs / most
