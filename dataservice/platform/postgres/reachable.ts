/** For jobs: a database that is only just starting is no reason to fail. */
import { setTimeout as delay } from 'node:timers/promises'
import type { Database } from './database.ts'
import { DatabaseFailure } from './failure.ts'

export interface PatienceOptions {
  signal: AbortSignal
  /** Default two minutes. */
  limitMs?: number
  /** Default half a second. */
  pollMs?: number
}

/**
 * Resolves when the database takes a statement. Every failure counts as "not yet": while a server makes its roles and
 * databases, it refuses passwords and names that are right a second later. Rejects with the last one at the limit.
 */
export async function untilReachable(
  database: Pick<Database, 'query'>,
  { signal, limitMs = 120_000, pollMs = 500 }: PatienceOptions,
): Promise<void> {
  const deadline = performance.now() + limitMs
  for (;;) {
    try {
      await database.query('SELECT 1')
      return
    } catch (error) {
      if (!(error instanceof DatabaseFailure) || performance.now() > deadline) throw error
      await delay(pollMs, undefined, { signal })
    }
  }
}
