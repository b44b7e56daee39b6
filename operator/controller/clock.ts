/** Time as the queue sees it; tests bring their own. */
export interface Clock {
  /** Milliseconds from any fixed moment; never goes back. */
  now(): number
  /** Calls back once after `delayMs`; the answer cancels it. */
  after(delayMs: number, callBack: () => void): () => void
}

/** For what need not happen any more when the process is about to end. */
export const idleClock: Clock = {
  now: () => performance.now(),
  after(delayMs, callBack) {
    const timer = setTimeout(callBack, delayMs).unref()
    return () => clearTimeout(timer)
  },
}

export const systemClock: Clock = {
  now: () => performance.now(),
  after(delayMs, callBack) {
    const timer = setTimeout(callBack, delayMs)
    return () => clearTimeout(timer)
  },
}
