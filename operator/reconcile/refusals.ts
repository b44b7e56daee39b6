/**
 * Workloads that may make no pods. A Deployment says so in its own status; a StatefulSet or a Job only in events,
 * which are read while pods are missing and at no other time. Pure.
 */
import type { KubernetesObject } from '#operator/cluster/port.ts'
import { conditionsIn } from '#operator/desired/observed-conditions.ts'
import type { ObservedChild } from '#operator/desired/target.ts'
import { jobEnd, podProgress } from './progress.ts'

const failed = 'FailedCreate'
const made = 'SuccessfulCreate'
/** Of events that tell it. */
export const refusalReasons = [failed, made] as const

/** By `kind/name` of the workload: what the API server said. */
export type Refusals = ReadonlyMap<string, string>

/** An event as far as it is read here. */
export interface ObservedEvent extends KubernetesObject {
  regarding?: { uid?: string }
  reason?: string
  note?: string
  series?: { lastObservedTime?: string }
  deprecatedLastTimestamp?: string | null
  eventTime?: string | null
}

/** StatefulSets and Jobs whose controller has seen them and has made too few pods. */
export function lackingPods(children: readonly ObservedChild[]): ObservedChild[] {
  return children.filter(child => {
    if (child.kind === 'Job') {
      const { status = {} } = child
      const made = ['active', 'succeeded', 'failed'].some(field => Number(status[field] ?? 0) > 0)
      return status['startTime'] !== undefined && !made && jobEnd(child) === undefined
    }
    if (child.kind !== 'StatefulSet' || child.status === undefined) return false
    const { existing, wanted, current } = podProgress(child)
    return current && existing < wanted
  })
}

/** What was refused last, unless a pod could be made after it. */
export function refusalsOf(children: readonly ObservedChild[], events: readonly ObservedEvent[]): Refusals {
  const refusals = new Map<string, string>()
  for (const child of children) {
    const text = child.kind === 'Deployment' ? replicaFailure(child) : lastRefusal(child, events)
    if (text !== undefined) refusals.set(keyOf(child), text)
  }
  return refusals
}

const keyOf = ({ kind, metadata }: ObservedChild): string => `${kind}/${metadata.name}`

/** What the API server said of its pods; undefined where it refused none. */
export const refusalOf = (child: ObservedChild, refusals: Refusals): string | undefined =>
  refusals.get(keyOf(child))

function replicaFailure({ status }: ObservedChild): string | undefined {
  const found = conditionsIn(status).find(
    ({ type, status: is }) => type === 'ReplicaFailure' && is === 'True',
  )
  return found && String(found['message'] ?? '')
}

function lastRefusal(child: ObservedChild, events: readonly ObservedEvent[]): string | undefined {
  const last = lastNote(child, events, [failed, made])
  return last?.reason === failed ? last.note : undefined
}

/** The newest event about an object with one of these reasons. */
export function lastNote(
  { metadata }: ObservedChild,
  events: readonly ObservedEvent[],
  reasons: readonly string[],
): { reason: string; note: string } | undefined {
  const [last] = events
    .filter(({ regarding, reason = '' }) => regarding?.uid === metadata.uid && reasons.includes(reason))
    .toSorted((a, b) => timeOf(b) - timeOf(a))
  return last && { reason: last.reason ?? '', note: last.note ?? '' }
}

function timeOf({ series, deprecatedLastTimestamp, eventTime, metadata }: ObservedEvent): number {
  const times = [series?.lastObservedTime, deprecatedLastTimestamp, eventTime, metadata.creationTimestamp]
  return Math.max(0, ...times.map(time => Date.parse(time ?? '')).filter(time => !Number.isNaN(time)))
}
