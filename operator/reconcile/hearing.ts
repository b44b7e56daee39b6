/**
 * How long a Kafka has been silent. One that starts answers within seconds, and nothing tells when; one that stays silent is
 * asked less and less often, because each question holds a worker until its time limit. Remembered by the process; a new
 * one begins anew.
 */
import type { Facts } from './facts.ts'

type Asked = Pick<Facts, 'topics' | 'log' | 'flush'>

export interface Hearing {
  /** Notes what was heard in this run. Milliseconds since it fell silent; 0: it answers, or nobody asked it. */
  silentMs(key: string, asked: Asked): number
  /** Its DataService is gone. `key`: namespace and name. */
  forget(key: string): void
}

/** As often as topics are looked at when all is well. */
const longestMs = 45_000

/** `now`: milliseconds of a monotonic clock. */
export function hearing(now: () => number): Hearing {
  const silentSince = new Map<string, number>()
  return {
    silentMs(key, asked) {
      if (!isSilent(asked)) {
        silentSince.delete(key)
        return 0
      }
      const since = silentSince.get(key) ?? now()
      silentSince.set(key, since)
      return now() - since
    },
    forget: key => void silentSince.delete(key),
  }
}

const isSilent = ({ topics, log, flush }: Asked): boolean =>
  [topics, log, flush].some(({ kind }) => kind === 'unreachable')

/** When to ask again what should be asked every `recheckMs`: after half as long as it has been silent. */
export const untilHeard = (recheckMs: number, silentMs: number): number =>
  Math.max(recheckMs, Math.min(silentMs / 2, longestMs))
