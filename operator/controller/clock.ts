/** Time as the queue sees it; tests bring their own. */
export interface Clock {
  /** Milliseconds from any fixed moment; never goes back. */
  now(): number
  /** Calls back once after `delayMs`; the answer cancels it. */
  after(delayMs: number, callBack: () => void): () => void
}

export const systemClock: Clock = clockOf(timer => timer)

/** For what need not happen any more when the process is about to end. */
export const idleClock: Clock = clockOf(timer => timer.unref())

/** `kept`: what becomes of each timer that is set. */
function clockOf(kept: (timer: NodeJS.Timeout) => NodeJS.Timeout): Clock {
  return {
    now: () => performance.now(),
    after(delayMs, callBack) {
      const timer = kept(setTimeout(callBack, delayMs))
      return () => clearTimeout(timer)
    },
  }
}
