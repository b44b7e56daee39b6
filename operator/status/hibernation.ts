/** What is said of a service that hibernates, and of one that wakes. Pure. */
import type { ConditionType } from '#crds/v1alpha1/conditions.ts'
import { type Part, partName } from '#operator/desired/names.ts'
import { type ObservedChild, partsOfSleep } from '#operator/desired/target.ts'
import type { Facts } from '#operator/reconcile/facts.ts'
import { isGone, podsOf, workloadOf } from '#operator/reconcile/lifecycle/asleep.ts'
import { hibernates } from '#operator/reconcile/lifecycle/hibernates.ts'
import { keptNumbers } from '#operator/reconcile/lifecycle/numbers.ts'
import { isRestoring, restoringPods } from '#operator/reconcile/operations/restoring.ts'
import { podProgress } from '#operator/reconcile/progress.ts'
import { type Finding, fails, holds } from './conditions.ts'
import { kubectl } from './kubectl.ts'
import { logUnreachable } from './log-unreachable.ts'

/** True when no pod of any part is left. */
export const isHibernated = (facts: Facts): boolean =>
  hibernates(facts.owner) && partsOfSleep.every(part => facts.target.asleep.has(part) && isGone(part, facts))

/** What a part that should have no pods says; undefined for all others. */
export function resting(facts: Facts, part: Part, type: ConditionType): Finding | undefined {
  if (!facts.target.asleep.has(part)) return undefined
  if (isRestoring(facts))
    return fails(
      type,
      'Restoring',
      `the ${part} has no pods until operation ${facts.operation?.metadata.name} has restored the database`,
    )
  if (!hibernates(facts.owner)) return fails(type, 'Waking', waking(facts, part))
  if (isGone(part, facts))
    return holds(type, 'Hibernated', `the ${part} has no pods until spec.lifecycle is Running`)
  const [pod] = podsOf(part, facts)
  return fails(
    type,
    'Hibernating',
    pod === undefined
      ? `the pods of the ${part} are ending`
      : `pod ${pod.metadata.name} is ending; the next part waits for it. ${whenLost(pod)}`,
  )
}

function waking(facts: Facts, part: Part): string {
  const [pod] = part === 'postgres' ? restoringPods(facts) : []
  if (pod === undefined) return `the ${part} is woken after ${wokenBefore(part)}`
  return `the ${part} is woken when pod ${pod.metadata.name}, which has its volume open, has ended. ${whenLost(pod)}`
}

const whenLost = ({ metadata }: ObservedChild): string =>
  `When its node is gone for good: ${kubectl(metadata, `delete pod ${metadata.name} --force`)}`

const wokenBefore = (part: Part): string =>
  partsOfSleep
    .slice(partsOfSleep.indexOf(part) + 1)
    .toReversed()
    .join(', ') || 'nothing'

/** Why a service that should hibernate does not yet. `parts` are the findings of all parts. */
export function onTheWay(facts: Facts, parts: readonly Finding[]): Finding | undefined {
  if (!hibernates(facts.owner)) return undefined
  const ending = parts.find(({ reason }) => reason === 'Hibernating')
  if (ending !== undefined) return fails('Ready', 'Hibernating', `${ending.type}: ${ending.message}`)
  if (!facts.target.asleep.has('writer')) return notStored(facts, parts)
  const next = partsOfSleep.find(part => !facts.target.asleep.has(part) || !isGone(part, facts))
  return fails(
    'Ready',
    'Hibernating',
    `${next === 'postgres' ? 'Jobs that use Postgres' : `the ${next}`} are about to end`,
  )
}

const wayBack = 'nothing is lost meanwhile, and spec.lifecycle Running takes it back'

/** The records that were accepted are not all in Postgres, so nothing may end but the gateway. */
function notStored(facts: Facts, parts: readonly Finding[]): Finding {
  const { flush } = facts
  const behind = flush.kind === 'seen' ? flush.behind : []
  const which =
    behind.length === 0 ? '' : ` (partition ${behind.map(({ partition }) => partition).join(', ')})`
  const task = `what was accepted has to be in Postgres first${which}`
  const cause = whyNotStored(facts, parts)
  return cause === undefined
    ? fails('Ready', 'Hibernating', `${task}; the writer is at it`)
    : fails('Ready', 'LogNotStored', `${task}; ${cause}. The rest ends after that; ${wayBack}`)
}

function whyNotStored(facts: Facts, parts: readonly Finding[]): string | undefined {
  const { flush } = facts
  const writer = workloadOf('writer', facts)
  const { metadata } = facts.owner
  const name = partName(metadata.name, 'writer')
  if (flush.kind === 'unreachable') return logUnreachable(facts.owner, flush.message)
  if (writer !== undefined && podProgress(writer).wanted === 0)
    return `Deployment ${name} has no pods: ${kubectl(metadata, `scale deployment/${name} --replicas=1`)}`
  const trouble = parts.find(({ status }) => status !== 'True')
  if (trouble !== undefined) return `${trouble.type}: ${trouble.message}`
  const untold = flush.kind === 'seen' ? flush.behind.filter(({ told }) => !told) : []
  return untold.length === 0
    ? undefined
    : `no pod of ${name} says that it has partition ${untold.map(({ partition }) => partition).join(', ')}; ` +
        `${kubectl(metadata, `logs deployment/${name}`)} tells why`
}

/** `gateway 3, writer 2`: what comes back. */
export const comesBack = (facts: Facts): string =>
  Object.entries(keptNumbers(facts))
    .map(([part, number]) => `${part} ${number}`)
    .join(', ')
