/**
 * Whether Postgres has answered a reader that has just started: on the way to it a new pod may not be let through for some
 * seconds. Who has waited long enough is to get traffic all the same: it answers from its caches, and says why it cannot.
 */
import type { Reads } from '#dataservice/platform/postgres/reads.ts'
import { repeat } from '#dataservice/platform/repeat.ts'

export interface FirstAnswer {
  /** Why this reader is to get no traffic yet. */
  problem(): string | undefined
  stop(): void
}

export interface FirstAnswerOptions {
  /** How long it is waited for. Default 15 s. */
  limitMs?: number
  /** Default half a second. */
  pollMs?: number
}

/** Every failure counts as "not yet": whoever asks now would be told the same. */
export function firstAnswer(
  database: Pick<Reads, 'query'>,
  { limitMs = 15_000, pollMs = 500 }: FirstAnswerOptions = {},
): FirstAnswer {
  const until = performance.now() + limitMs
  let isWaiting = true
  const stop = () => {
    isWaiting = false
    asking.stop()
  }
  const asking = repeat(
    async () => {
      await database.query('SELECT 1')
      stop()
    },
    pollMs,
    () => {
      if (performance.now() > until) stop()
    },
  )
  return {
    problem: () =>
      isWaiting && performance.now() <= until ? 'Postgres has not answered since the start' : undefined,
    stop,
  }
}
