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
