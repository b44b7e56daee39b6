/** Which part's trouble explains that of others, so that `Ready` tells the cause and not what follows from it. Pure. */

import {
  type ConditionType,
  kindOf,
  podReasons,
  podSubjects,
  type Reason,
  type RootReason,
} from '#crds/v1alpha1/conditions.ts'
import { engineWorkload } from '#operator/reconcile/engine-workload.ts'
import type { Facts } from '#operator/reconcile/facts.ts'
import { answers } from '#operator/reconcile/progress.ts'
import type { Finding } from './conditions.ts'

type Known = Pick<Facts, 'owner' | 'children' | 'topics'>

/** A part that gives others nothing to work with, and whom it keeps from working. */
interface Explanation {
  keeps: readonly ConditionType[]
  /** One of three brokers that is away keeps nobody. */
  isAway: (facts: Known) => boolean
}

const engineAway =
  (part: 'kafka' | 'postgres') =>
  (facts: Known): boolean =>
    !answers(engineWorkload(facts, part))

const explanations: Partial<Record<ConditionType, Explanation>> = {
  LogReady: { keeps: ['TopicsReady', 'WriterReady', 'GatewayReady'], isAway: engineAway('kafka') },
  TopicsReady: {
    keeps: ['WriterReady', 'GatewayReady'],
    isAway: ({ topics }) => topics.kind === 'unreachable',
  },
  DatabaseReady: { keeps: ['WriterReady', 'ReaderReady', 'GatewayReady'], isAway: engineAway('postgres') },
}

/** What a part says when the cause may lie elsewhere. An image that is missing has its cause in itself. */
const symptoms: ReadonlySet<RootReason> = new Set<Reason>([
  'Crashing',
  'MigrationFailed',
  'EngineUnreachable',
  'PodsNotReady',
  'RollingOut',
  'Scaling',
  'Creating',
  'Migrating',
  'TopicsPending',
  'WaitingForLog',
  'WaitingForTopics',
  'WaitingForDatabase',
])

/** Who mends it decides first, then the order of the parts, in which a stack comes up. */
const gravity = { user: 0, trouble: 1, ordinary: 2, reached: 3 } as const

export interface RootCause {
  reason: RootReason
  /** Names the condition of the part, the object, the remedy, and what follows from it. */
  message: string
}

/** Undefined when all parts are as they should be. */
export function rootCause(parts: readonly Finding[], facts: Known): RootCause | undefined {
  const failing = parts.filter(isFailing)
  const [cause] = failing
    .filter(part => explainedBy(part, parts, facts) === undefined)
    .toSorted((left, right) => gravity[kindOf(left.reason)] - gravity[kindOf(right.reason)])
  if (cause === undefined) return undefined
  const followers = failing.filter(part => explainedBy(part, parts, facts)?.type === cause.type)
  // While a stack comes up nearly everything waits for something: that is no news.
  const isNews = kindOf(cause.reason) !== 'ordinary' && followers.length > 0
  const follows = isNews ? `. From this follows ${followers.map(({ type }) => type).join(', ')}` : ''
  return { reason: rootReason(cause), message: `${cause.type}: ${cause.message}${follows}` }
}

/** The findings, each of those that follow from another one with its name. */
export function withCauses(parts: readonly Finding[], facts: Known): Finding[] {
  return parts.map(part => {
    const cause = kindOf(part.reason) === 'trouble' ? explainedBy(part, parts, facts) : undefined
    return cause === undefined ? part : { ...part, message: `follows from ${cause.type}: ${part.message}` }
  })
}

/** The first part that is away and that this one cannot work without. */
function explainedBy(part: Finding, parts: readonly Finding[], facts: Known): Finding | undefined {
  if (!isFailing(part) || !symptoms.has(part.reason)) return undefined
  return parts.filter(isFailing).find(({ type }) => {
    const explanation = explanations[type]
    return explanation?.keeps.includes(part.type) && explanation.isAway(facts)
  })
}

/** With whose pods it is about: dashboards and alerts see the object without reading the message. */
export function rootReason({ reason, about }: Finding): RootReason {
  const podReason = podReasons.find(each => each === reason)
  return about === undefined || podReason === undefined ? reason : `${podSubjects[about]}${podReason}`
}

const isFailing = ({ status }: Finding): boolean => status !== 'True'
