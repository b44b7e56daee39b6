/**
 * What Kafka said last, and how long it has been silent. One that starts answers within seconds, and nothing tells when; one
 * that stays silent is asked less and less often, because each question holds a worker until its time limit. Remembered by
 * the process; a new one begins anew.
 */
import { desiredTopics, lacksReplicas } from '#operator/desired/kafka-topics.ts'
import { partName } from '#operator/desired/names.ts'
import type { Facts } from './facts.ts'

type Known = Pick<Facts, 'owner' | 'target' | 'topics'>
type Asked = Pick<Facts, 'topics' | 'log' | 'flush'>

export interface Hearing {
  /** Notes what was heard in this run. Milliseconds since it fell silent; 0: it answers, or nobody asked it. */
  silentMs(key: string, asked: Asked): number
  /**
   * Whether another broker that goes could stop writing. While Kafka says nothing, what it said last counts for a while: a
   * drain that goes on as soon as brokers fall silent would take the next one.
   */
  isLogThin(known: Known): boolean
  /** Its DataService is gone. `key`: namespace and name. */
  forget(key: string): void
}

/** As often as topics are looked at when all is well. */
const longestMs = 45_000
/** After that no drain waits any more for a Kafka that says nothing. */
const believedMs = 600_000

/** `now`: milliseconds of a monotonic clock. */
export function hearing(now: () => number): Hearing {
  const silentSince = new Map<string, number>()
  const lastThin = new Map<string, { isThin: boolean; at: number }>()
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
    isLogThin(known) {
      const { namespace, name } = known.owner.metadata
      const said = saidThin(known)
      const last = lastThin.get(`${namespace}/${name}`)
      const newest =
        said === undefined && last !== undefined ? last : { isThin: said ?? wasThin(known), at: now() }
      lastThin.set(`${namespace}/${name}`, newest)
      return newest.isThin && now() - newest.at < believedMs
    },
    forget(key) {
      silentSince.delete(key)
      lastThin.delete(key)
    },
  }
}

const isSilent = ({ topics, log, flush }: Asked): boolean =>
  [topics, log, flush].some(({ kind }) => kind === 'unreachable')

/** Whether a topic has fewer replicas in sync than it should; undefined: Kafka does not say. */
const saidThin = ({ owner, target, topics }: Known): boolean | undefined =>
  topics.kind === 'described'
    ? lacksReplicas(desiredTopics(owner, target.effective), topics.topics)
    : undefined

/** As the budget tells that is there. */
const wasThin = ({ owner, target }: Pick<Facts, 'owner' | 'target'>): boolean => {
  const budget = target.observed('PodDisruptionBudget', partName(owner.metadata.name, 'kafka'))
  return budget?.spec?.['maxUnavailable'] === 0
}

/** When to ask again what should be asked every `recheckMs`: after half as long as it has been silent. */
export const untilHeard = (recheckMs: number, silentMs: number): number =>
  Math.max(recheckMs, Math.min(silentMs / 2, longestMs))
