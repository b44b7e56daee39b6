/** Waiting between attempts. */
import { setTimeout as wait } from 'node:timers/promises'
import { backOffAfter } from '../back-off.ts'

const firstMs = 25

/** Milliseconds before attempt `attempt` (from 1): doubling up to `capMs`, a random half of it taken off. */
export function backOffMs(attempt: number, capMs: number, random: () => number = Math.random): number {
  return backOffAfter(attempt, { firstMs, mostMs: capMs }, random())
}

/** Waits; ends early and quietly when the signal fires. */
export async function pause(milliseconds: number, signal?: AbortSignal): Promise<void> {
  await wait(milliseconds, undefined, signal ? { signal } : {}).catch(cause => {
    if (!signal?.aborted) throw cause
  })
}
