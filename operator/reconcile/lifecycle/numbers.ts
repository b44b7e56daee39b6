/** Numbers of pods that come back after a hibernation. They stand in the status, because no Deployment may hold them at 0. Pure. */
import { type DeployedPart, deployedParts } from '#operator/desired/names.ts'
import { type PodNumber, podNumbers } from '#operator/desired/pod-numbers.ts'
import type { Facts } from '../facts.ts'
import { isRestoring } from '../operations/restoring.ts'
import { podProgress } from '../progress.ts'
import { keptNumber, workloadOf } from './asleep.ts'
import { hibernates } from './hibernates.ts'

type Known = Pick<Facts, 'owner' | 'target' | 'children' | 'pods' | 'operation'>
type Seen = Known & Pick<Facts, 'flush'>

export type KeptNumbers = Partial<Record<DeployedPart, number>>

/**
 * What the status should keep from this run on. Only a part whose number is kept goes to 0, and the number is kept until
 * the part has pods again; who scales a Deployment meanwhile says what it wakes with.
 */
export function keptNumbers(known: Seen): KeptNumbers {
  const kept: KeptNumbers = {}
  for (const part of deployedParts) {
    const number = numberToKeep(part, known)
    if (number !== undefined) kept[part] = number
  }
  return kept
}

function numberToKeep(part: DeployedPart, known: Seen): number | undefined {
  const workload = workloadOf(part, known)
  const before = keptNumber(part, known.owner)
  const wanted = workload === undefined ? 0 : podProgress(workload).wanted
  if (hibernates(known.owner) || isRestoring(known)) {
    if (!known.target.asleep.has(part)) return isToldBehind(known) ? undefined : before
    if (workload === undefined) return before
    return wanted > 0 ? wanted : (before ?? 0)
  }
  const isDue = known.target.asleep.has(part) || wokenNumber(part, known) !== undefined
  return isDue ? before : undefined
}

/**
 * Some writer has records to store, so none has gone to sleep. Unless one says so, a number that is kept stays: the copy of
 * a Deployment may be older than the 0 that was written to it, and without its number it would never count as asleep.
 */
const isToldBehind = ({ flush }: Pick<Facts, 'flush'>): boolean =>
  flush.kind === 'seen' && flush.behind.some(({ told }) => told)

/** The number that a part wakes with; undefined when it has pods, or is to have none. */
export function wokenNumber(part: DeployedPart, known: Known): number | undefined {
  const workload = workloadOf(part, known)
  const kept = keptNumber(part, known.owner)
  if (kept === undefined || workload === undefined || podProgress(workload).wanted > 0) return undefined
  const { effective, foreignAutoscalers } = known.target
  return numberAfter(podNumbers(effective.replicas, foreignAutoscalers)[part], kept) || undefined
}

/** What the spec says comes first; a number that others owned comes back as it was, within the bounds of now. */
function numberAfter(wanted: PodNumber, kept: number): number {
  switch (wanted.rule) {
    case 'theirs':
      return kept
    case 'exact':
    case 'followed':
      return wanted.number
    case 'floor':
    case 'lag':
    case 'keda':
      return wanted.number === 0 ? 0 : Math.max(wanted.number, Math.min(kept, wanted.most))
    case 'seed':
      return Math.min(kept, wanted.most)
    default:
      return wanted satisfies never
  }
}
