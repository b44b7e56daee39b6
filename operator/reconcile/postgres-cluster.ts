/** How the Cluster that CloudNativePG runs is, read from its own status. Pure. */
import { conditionIn } from '#operator/desired/observed-conditions.ts'
import { clusterAnnotations } from '#operator/desired/postgres-cluster.ts'
import type { ObservedChild } from '#operator/desired/target.ts'

export interface ClusterState {
  isReady: boolean
  /** In the words of CloudNativePG. */
  says: string
  /** It waits for somebody. */
  isStuck: boolean
}

/** Phases that CloudNativePG does not leave by itself. */
const stuckPhases = [
  'Waiting for user action',
  'Cluster is unrecoverable and needs manual intervention',
  'Unable to create required cluster objects',
  'Invalid cluster definition',
  'Cluster has incomplete or invalid image catalog',
  'Cluster cannot proceed to reconciliation due to an unknown plugin being required',
  'Cluster cannot execute instance online upgrade due to missing architecture binary',
]

export function clusterState({ status = {} }: ObservedChild): ClusterState {
  const { phase, phaseReason } = status
  const words = [phase, phaseReason].filter(text => typeof text === 'string' && text !== '')
  return {
    isReady: conditionIn(status, 'Ready')?.['status'] === 'True',
    says: words.join(': ') || 'CloudNativePG has not looked at it yet',
    isStuck: stuckPhases.some(stuck => stuck === phase),
  }
}

/** Its instances as pods. It counts as asleep from the annotation on, and without pods once CloudNativePG says so. */
export function clusterProgress({ metadata, spec = {}, status = {} }: ObservedChild) {
  const isToSleep = metadata.annotations?.[clusterAnnotations.hibernation] === 'on'
  const isAsleep = isToSleep && conditionIn(status, clusterAnnotations.hibernation)?.['status'] === 'True'
  const number = (value: unknown): number => (typeof value === 'number' ? value : 0)
  const ready = isAsleep ? 0 : number(status['readyInstances'])
  return {
    wanted: isToSleep ? 0 : number(spec['instances']),
    existing: isAsleep ? 0 : Math.max(number(status['instances']), isToSleep ? 1 : 0),
    ready,
    updated: ready,
    current: true,
  }
}
