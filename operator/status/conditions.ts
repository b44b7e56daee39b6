/** Conditions as values: how one is made, how a list is summarised. Pure. */
import type { ConditionType, PodSubject, RootReason } from '#crds/v1alpha1/conditions.ts'
import type { Condition } from '#crds/v1alpha1/status.ts'

/** A condition before it is compared with the one that stands. */
export interface Finding {
  type: ConditionType
  status: Condition['status']
  reason: RootReason
  message: string
  /** Whose pods the reason is about; the status does not say it. */
  about?: PodSubject
}

export const holds = (type: ConditionType, reason: RootReason, message: string): Finding => ({
  type,
  status: 'True',
  reason,
  message,
})
export const fails = (type: ConditionType, reason: RootReason, message: string): Finding => ({
  type,
  status: 'False',
  reason,
  message,
})

export const isUnknown = (type: ConditionType, reason: RootReason, message: string): Finding => ({
  type,
  status: 'Unknown',
  reason,
  message,
})

/** Messages are cut at what the API takes. */
const longestMessage = 4096

/** The time of a condition moves only when its status does. */
export function stamped(
  findings: readonly Finding[],
  before: readonly Condition[],
  generation: number,
  now: Date,
): Condition[] {
  return findings.map(({ about: _, ...finding }) => {
    const old = before.find(({ type }) => type === finding.type)
    const unchanged = old !== undefined && old.status === finding.status
    return {
      ...finding,
      message: finding.message.slice(0, longestMessage),
      observedGeneration: generation,
      lastTransitionTime: unchanged ? old.lastTransitionTime : now.toISOString().replace(/\.\d+Z$/, 'Z'),
    }
  })
}
