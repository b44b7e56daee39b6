/** Questions to brokers that are asked again until there is an answer. */
import type { Cluster } from './cluster.ts'
import { backOffMs, pause } from './retry.ts'
import { BatchUnreadable } from './unpack.ts'

export interface Persistence {
  cluster: Cluster
  /** Ends the attempts at once; then it rejects. */
  signal: AbortSignal
  /** Hears of what the next attempt may mend. */
  warn: (message: string) => void
  maxBackOffMs: number
}

/** Asks with a view of the topic at hand, which each failure renews. Rejects on bytes that nobody can read, too. */
export async function persistently<Answer>(
  { cluster, signal, warn, maxBackOffMs }: Persistence,
  ask: () => Promise<Answer>,
): Promise<Answer> {
  for (let attempt = 1; ; attempt++) {
    signal.throwIfAborted()
    try {
      return await untilAborted(signal, async () => {
        await cluster.view()
        return ask()
      })
    } catch (cause) {
      if (cause instanceof BatchUnreadable) throw cause
      signal.throwIfAborted()
      warn(String(cause))
      await cluster.refresh().catch(() => {}) // the next attempt says what is wrong
      await pause(backOffMs(attempt, maxBackOffMs), signal)
    }
  }
}

/** A broker that is asked answers when it likes. */
async function untilAborted<Answer>(signal: AbortSignal, ask: () => Promise<Answer>): Promise<Answer> {
  const { promise, reject } = Promise.withResolvers<never>()
  const abort = () => reject(signal.reason)
  signal.addEventListener('abort', abort)
  try {
    return await Promise.race([ask(), promise])
  } finally {
    signal.removeEventListener('abort', abort)
  }
}
