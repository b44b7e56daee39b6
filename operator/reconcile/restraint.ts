/**
 * Keeps two managers from writing against each other without end: what somebody else changes again and again is put back
 * a few times, then left for a while. Remembered by the process; a new one begins anew.
 */
export interface Restraint {
  /** True while the object with this uid was put back too often lately. */
  isHeld(uid: string): boolean
  /** It was put back just now. */
  note(uid: string): void
}

/** An object is put back so often in a minute, at most. */
const most = 3
const windowMs = 60_000

/** `now`: milliseconds of a monotonic clock. */
export function restraint(now: () => number): Restraint {
  const writes = new Map<string, readonly number[]>()
  const lately = (uid: string): readonly number[] =>
    (writes.get(uid) ?? []).filter(time => now() - time < windowMs)
  return {
    isHeld: uid => lately(uid).length >= most,
    note: uid => {
      writes.set(uid, [...lately(uid), now()])
      for (const each of writes.keys()) if (lately(each).length === 0) writes.delete(each)
    },
  }
}

/** Until a look at what is held makes sense again. */
export const contestedRecheckMs = windowMs / most
