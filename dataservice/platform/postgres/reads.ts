/** Reading from a replica, and from the primary while the replica is away. */
import type { Circuit } from '../circuit.ts'
import type { Database } from './database.ts'
import { DatabaseFailure } from './failure.ts'

/** As much of a database as somebody needs who only reads. */
export type Reads = Pick<Database, 'query' | 'busy' | 'waiting'>

export interface ReadsOptions {
  /** Milliseconds for which a replica that failed is left alone: asking one that is dead costs each question a time limit. */
  restMs?: number
  /** Milliseconds of any clock. */
  now: () => number
  /** Called when a rest begins. */
  onAway?: (failure: DatabaseFailure) => void
}

/** The replica had to end the statement, because the primary removed what it was reading. */
const conflictWithRecovery = '40001'

/** Asks the replica; what it cannot answer now, the primary does. Rejects with `DatabaseFailure`, as a database does. */
export function readsWithFallback(
  replica: Reads,
  primary: Reads,
  { restMs = 2_000, now, onAway = () => {} }: ReadsOptions,
): Reads {
  let restsUntil = Number.NEGATIVE_INFINITY
  return {
    get busy() {
      return replica.busy + primary.busy
    },
    get waiting() {
      return replica.waiting + primary.waiting
    },
    async query(statement, withinMs) {
      if (now() < restsUntil) return primary.query(statement, withinMs)
      try {
        return await replica.query(statement, withinMs)
      } catch (error) {
        if (!(error instanceof DatabaseFailure)) throw error
        const isAway = error.kind === 'lost'
        if (!isAway && error.sqlState !== conflictWithRecovery) throw error
        if (isAway) {
          restsUntil = now() + restMs
          onAway(error)
        }
        return primary.query(statement, withinMs)
      }
    },
  }
}

/** Asks only while the circuit is closed, or to try whether it may be. */
export function guardedReads(reads: Reads, circuit: Circuit): Reads {
  return {
    get busy() {
      return reads.busy
    },
    get waiting() {
      return reads.waiting
    },
    query: (statement, withinMs) => circuit.run(() => reads.query(statement, withinMs)),
  }
}
