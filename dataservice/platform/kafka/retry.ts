/** Waiting between attempts. */
import { setTimeout as wait } from 'node:timers/promises'

const firstDelayMs = 25

/** Milliseconds before attempt `attempt` (from 1): doubling up to `capMs`, a random half of it taken off. */
export function backOffMs(attempt: number, capMs: number, random: () => number = Math.random): number {
  const full = Math.min(capMs, firstDelayMs * 2 ** Math.min(attempt - 1, 20))
  return full * (0.5 + random() / 2)
}

/** Waits; ends early and quietly when the signal fires. */
export async function pause(milliseconds: number, signal?: AbortSignal): Promise<void> {
  await wait(milliseconds, undefined, signal ? { signal } : {}).catch(cause => {
    if (!signal?.aborted) throw cause
  })
}
