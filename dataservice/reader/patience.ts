/** Waits out the moment in which neither a replica nor its primary answers. */
import { setTimeout as pause } from 'node:timers/promises'
import { CircuitOpen } from '#dataservice/platform/circuit.ts'
import { isLost } from '#dataservice/platform/postgres/failure.ts'

/** Between two tries: who is away says so at once. */
export const againMs = 20

/**
 * How long an outage is waited out, from its first failure on and not from each question: one that lasts is told at once,
 * and holds nobody up. A circuit that opened is tried twice in that time.
 */
const outageMs = 2_000

/** What a new connection may take: with less time left, an answer could come after its deadline. */
const tryMs = 3_000

/** Whether nobody answered, or was asked. */
export const isAway = (error: unknown): boolean => isLost(error) || error instanceof CircuitOpen

export class Patience {
  #since = Number.NEGATIVE_INFINITY
  #last = Number.NEGATIVE_INFINITY

  /** Tries again while nobody answers; rejects as the last try does. `deadline`: milliseconds of `performance.now()`. */
  async through<T>(work: () => Promise<T>, deadline: number): Promise<T> {
    for (;;) {
      try {
        const answer = await work()
        this.#last = Number.NEGATIVE_INFINITY
        return answer
      } catch (error) {
        if (!isAway(error) || performance.now() > Math.min(this.#outageEnds(), deadline - tryMs)) throw error
      }
      await pause(againMs)
    }
  }

  /** A failure long after the last one is of another outage. */
  #outageEnds(): number {
    const now = performance.now()
    if (now - this.#last > outageMs) this.#since = now
    this.#last = now
    return this.#since + outageMs
  }
}
