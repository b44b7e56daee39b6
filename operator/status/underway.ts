/** Whether a status only tells how far a way has come that the one before speaks of already. Pure. */
import { type ConditionType, kindOf } from '#crds/v1alpha1/conditions.ts'
import type { Condition, DataServiceStatus } from '#crds/v1alpha1/status.ts'
import { canonicalText } from '#operator/desired/hash.ts'

/** Those that move one after the other while parts come up. What a user asks for or must do is told by others. */
const moving: ReadonlySet<ConditionType> = new Set([
  'Ready',
  'Reconciling',
  'LogReady',
  'TopicsReady',
  'DatabaseReady',
  'CacheReady',
  'WriterReady',
  'ReaderReady',
  'GatewayReady',
  'EndToEndReady',
  'LogHasRoom',
  'Maintained',
  'Durable',
])

/**
 * True when both say that the service is not ready yet, for reasons that are ordinary on the way to the same spec, and
 * nothing else differs but the number of gateway pods.
 */
export function isUnderway(before: DataServiceStatus, after: DataServiceStatus): boolean {
  return (
    isComing(before) &&
    isComing(after) &&
    canonicalText(fixed(before)) === canonicalText(fixed(after)) &&
    moved(before, after).every(
      ({ type, reason }) => moving.has(type) && kindOf(reason) !== 'user' && kindOf(reason) !== 'trouble',
    )
  )
}

/** What a status tells, but for the times. */
export const toldBy = ({ conditions = [], ...rest }: DataServiceStatus): string =>
  canonicalText({ ...rest, conditions: conditions.map(({ lastTransitionTime: _, ...told }) => told) })

const isComing = ({ conditions = [] }: DataServiceStatus): boolean =>
  conditions.some(({ type, status }) => type === 'Ready' && status === 'False')

const fixed = ({ conditions = [], replicas: _, ...rest }: DataServiceStatus) => ({
  ...rest,
  types: conditions.map(({ type }) => type).toSorted(),
})

const moved = (before: DataServiceStatus, { conditions = [] }: DataServiceStatus): Condition[] =>
  conditions.filter(now => {
    const old = before.conditions?.find(({ type }) => type === now.type)
    return old?.status !== now.status || old.reason !== now.reason || old.message !== now.message
  })
