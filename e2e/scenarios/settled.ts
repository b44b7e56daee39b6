/** Waits for a condition instead of for time. */
import { setTimeout as delay } from 'node:timers/promises'

/** Repeats the check until it passes; after `timeoutMs` its last failure rises. */
export async function settledIn<T>(timeoutMs: number, check: () => Promise<T>): Promise<T> {
  const deadline = Date.now() + timeoutMs
  for (;;) {
    try {
      return await check()
    } catch (error) {
      if (Date.now() > deadline) throw error
      await delay(500)
    }
  }
}

/** `3.2 s`: what has passed since a moment of `Date.now()`. */
export const since = (began: number): string => `${((Date.now() - began) / 1000).toFixed(1)} s`
