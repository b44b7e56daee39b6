/**
 * A log that grows from one broker to three. Pure. The new brokers join, and their controllers become voters by
 * themselves; then every partition, also those of Kafka's own topics, gets a replica on each broker. Only when all have
 * caught up are the topics told to want two replicas (`bearable` in `kafka-topics.ts`), the first broker gives most of its
 * leaderships away, and then it is restarted with its new settings (`restart-broker.ts`).
 */
import type { Placed } from '#operator/topics/port.ts'
import type { Facts } from './facts.ts'
import type { Step } from './plan.ts'
import { hasGrown, isGrowing, logAddress, outdatedBrokers, readyBrokers } from './restart-broker.ts'

/** Of one step: a large log is copied by and by. */
const mostAtOnce = 32

type Known = Pick<Facts, 'owner' | 'target' | 'pods' | 'log'>

/** Nothing is placed while any partition still copies, or while a broker is not ready. */
export function replicateSteps(facts: Known): Step[] {
  const { target, log } = facts
  const { brokers } = target.effective
  if (!isGrowing(target) || log.kind !== 'seen' || readyBrokers(facts) < brokers) return []
  const { thin, lacking, misled } = log.health
  if (lacking.length > 0) return []
  // The first broker leads everything: a leadership that is given away while it is there costs nobody anything.
  if (thin.length === 0) return misled > 0 ? [{ do: 'elect', log: logAddress(facts) }] : []
  const partitions = thin.slice(0, mostAtOnce).map(each => onAll(each, brokers))
  return [{ do: 'replicate', log: logAddress(facts), partitions }]
}

/** Each partition begins at another broker, so that their leaders spread. */
function onAll({ topic, partition }: Placed, brokers: number): Placed {
  const replicas = Array.from({ length: brokers }, (_, place) => (partition + place) % brokers)
  return { topic, partition, replicas }
}

/** Every partition is on all brokers, and all brokers have been started with that in mind: it grows no more. */
export function isGrown(facts: Pick<Facts, 'owner' | 'target' | 'children' | 'pods' | 'log'>): boolean {
  const { target, log } = facts
  if (!isGrowing(target) || log.kind !== 'seen' || readyBrokers(facts) < target.effective.brokers)
    return false
  return (
    log.health.lacking.length === 0 && hasGrown(target, log.health) && outdatedBrokers(facts).length === 0
  )
}

/** Where a growing log is; undefined when it is not growing. */
export function growing({ target, log }: Pick<Facts, 'target' | 'log'>): string | undefined {
  const { effective, initialisation } = target
  const { brokers } = effective
  if (!isGrowing(target)) return undefined
  const from = `from ${initialisation.heldBrokers} to ${brokers} brokers`
  if (log.kind !== 'seen') return `${from}: the new ones are starting`
  const { thin, lacking, misled, voters } = log.health
  if (thin.length > 0) return `${from}: partitions that are not on all of them yet: ${atLeast(thin.length)}`
  if (lacking.length > 0) return `${from}: partitions that are being copied: ${atLeast(lacking.length)}`
  if (misled > 0) return `${from}: the first one gives leaderships to the others`
  if (voters < brokers) return `${from}: ${voters} of ${brokers} controllers vote`
  return `${from}: the first one is restarted last`
}

/** In steps, so that the status is not written with each partition. */
const atLeast = (count: number): string =>
  count < 10 ? 'fewer than 10' : `${Math.floor(count / 10) * 10} or more`
