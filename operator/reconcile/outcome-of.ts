/** What a run means for the queue. Pure. */

import type { ObservedChild } from '#operator/desired/target.ts'
import type { Failure, Result } from './carry-out.ts'
import { isRotating } from './certificates/renewal.ts'
import { concernsConsumers } from './consumers/consumers.ts'
import type { Facts } from './facts.ts'
import { untilHeard } from './hearing.ts'
import type { Outcome } from './outcome.ts'
import { movesPasswords } from './passwords/turns.ts'
import type { Plan } from './plan.ts'
import { lackingPods, refusalOf } from './refusals.ts'
import { isGrowing } from './restart-broker.ts'
import { contestedRecheckMs } from './restraint.ts'

/** Topics send no events: they are looked at again in time to put drift back within a minute. */
export const topicRecheckMs = 45_000
/** Kafka's pod is ready before Kafka answers; nothing tells us when it does. */
const startRecheckMs = 2_000
/** A broker that came back has caught up a moment later; nothing tells us when. */
const brokerRecheckMs = 1_000
/** When all replicas have caught up, nothing tells us either; until then no further broker may be drained. */
const thinRecheckMs = 2_000
/** A foreign object is not watched, so that it has gone is only seen by looking. */
const foreignRecheckMs = 30_000
/** What is on its way out is gone within seconds; it is not watched either. */
const leavingRecheckMs = 2_000
/**
 * Why a StatefulSet or a Job makes no pods stands in events only, and they are not watched. Once it is known, the pod that
 * is made after all tells that it is over.
 */
const refusedRecheckMs = 5_000
/** How far the writers are sends no events. */
const flushRecheckMs = 2_000
/** Writers that the operator moves are asked so often while records wait, and as often as the topics at rest. */
const loadRecheckMs = 15_000
/** Time alone makes the next step of a rotation due. */
const rotationRecheckMs = 10_000
/** What probe records say sends no events; asked so often until they come through. */
const probeRecheckMs = 10_000
/** That records come through the new primary sends no event. */
const promotionRecheckMs = 2_000
/** While others wait for its turn to end: the probe record that ends it sends no event. */
const turnRecheckMs = 3_000
/** Which failure decides when a run has several. */
const rank = { retry: 0, invalid: 1, notExpandable: 2, leaving: 3, notOwned: 4 } as const

type Seen = Pick<
  Facts,
  | 'children'
  | 'refusals'
  | 'block'
  | 'flush'
  | 'load'
  | 'endToEnd'
  | 'stand'
  | 'certificates'
  | 'operation'
  | 'target'
  | 'topics'
  | 'silentMs'
>

export function outcomeOf(
  { held, gates, steps, contested }: Plan,
  { failures }: Result,
  { children, refusals, block, flush, ...seen }: Seen,
): Outcome {
  if (block !== undefined) return { kind: 'refused', reason: block.reason, message: block.message }
  const [failure] = failures.toSorted((left, right) => rank[left.cause] - rank[right.cause])
  if (failure !== undefined) return afterFailure(failure)
  if (!gates.recordAccepted)
    return { kind: 'refused', reason: 'RecordRefused', message: 'spec.record cannot be used' }
  if (held) return { kind: 'settled' }
  if (steps.some(step => step.do === 'certify'))
    return { kind: 'waiting', reason: 'CertificatesMade', recheckMs: startRecheckMs }
  const heardIn = (recheckMs: number): number => untilHeard(recheckMs, seen.silentMs)
  if (flush.kind !== 'notAsked')
    return { kind: 'waiting', reason: 'LogNotStored', recheckMs: heardIn(flushRecheckMs) }
  if (!gates.brokersCurrent)
    return { kind: 'waiting', reason: 'BrokersRestarting', recheckMs: heardIn(brokerRecheckMs) }
  if (lackingPods(children).some(child => refusalOf(child, refusals) === undefined))
    return { kind: 'waiting', reason: 'PodsNotReady', recheckMs: refusedRecheckMs }
  const topicsPending = gates.logAnswers && (!gates.topicsExist || steps.some(step => step.do === 'topics'))
  if (topicsPending) return { kind: 'waiting', reason: 'TopicsPending', recheckMs: heardIn(startRecheckMs) }
  if (steps.some(concernsConsumers))
    return { kind: 'waiting', reason: 'ConsumersPending', recheckMs: startRecheckMs }
  const recheckMs = nextLookMs(seen)
  if (recheckMs !== undefined) return { kind: 'settled', recheckMs }
  const others = waitsForOthers(children, contested)
  if (others !== undefined) return others
  return gates.logAnswers ? { kind: 'settled', recheckMs: topicRecheckMs } : { kind: 'settled' }
}

/** Nothing is to be done as long as somebody else refuses pods, or keeps other values. */
function waitsForOthers(
  children: readonly ObservedChild[],
  contested: Plan['contested'],
): Outcome | undefined {
  if (lackingPods(children).length > 0)
    return { kind: 'waiting', reason: 'PodsNotReady', recheckMs: topicRecheckMs }
  if (contested.length === 0) return undefined
  const names = contested.map(({ kind, name }) => `${kind} ${name}`)
  return { kind: 'waiting', reason: `Contested: ${names.join(', ')}`, recheckMs: contestedRecheckMs }
}

/** What is as it should be, but moves without an event. */
function nextLookMs({
  stand,
  load,
  endToEnd,
  certificates,
  operation,
  target,
  topics,
  silentMs,
}: Omit<Seen, 'children' | 'refusals' | 'block' | 'flush'>): number | undefined {
  if (operation?.spec.type === 'Promote') return promotionRecheckMs
  const isSaidThin = target.isLogThin && topics.kind === 'described'
  if (isSaidThin || (isGrowing(target) && !target.asleep.has('kafka')))
    return untilHeard(thinRecheckMs, silentMs)
  if (stand === 'rolling') return turnRecheckMs
  if (load.kind === 'seen' && load.load.waiting > 0) return loadRecheckMs
  if (!comesThrough(endToEnd)) return probeRecheckMs
  const isRotated = certificates?.seen !== undefined && isRotating(certificates.seen)
  return isRotated || movesPasswords({ target }) ? rotationRecheckMs : undefined
}

const comesThrough = (seen: Facts['endToEnd']): boolean =>
  seen.kind === 'notAsked' || (seen.kind === 'told' && seen.told.brokenAt === undefined)

function afterFailure({ cause, message }: Failure): Outcome {
  if (cause === 'notOwned') return { kind: 'waiting', reason: 'NotOwned', recheckMs: foreignRecheckMs }
  if (cause === 'leaving') return { kind: 'waiting', reason: 'Leaving', recheckMs: leavingRecheckMs }
  return { kind: 'failed', reason: 'ApplyFailed', message, passing: cause === 'retry' }
}
