/** How far a workload is, read from its own status. Pure. */
import { isPlainObject } from '#operator/desired/hash.ts'
import { conditionsIn } from '#operator/desired/observed-conditions.ts'
import type { ObservedChild } from '#operator/desired/target.ts'
import { clusterProgress } from './postgres-cluster.ts'

export interface PodProgress {
  /** Pods asked for. */
  wanted: number
  /** Pods that exist. */
  existing: number
  ready: number
  /** Pods of the newest template. */
  updated: number
  /** False while the workload's controller has not seen the newest spec. */
  current: boolean
}

/** Numbers of a Deployment or StatefulSet, or of what another operator makes pods for. */
export function podProgress(workload: ObservedChild): PodProgress {
  if (workload.kind === 'Cluster') return clusterProgress(workload)
  const { spec = {}, status = {}, metadata } = workload
  return {
    wanted: numberIn(spec, 'replicas', 1),
    existing: numberIn(status, 'replicas', 0),
    ready: numberIn(status, 'readyReplicas', 0),
    updated: numberIn(status, 'updatedReplicas', 0),
    current: numberIn(status, 'observedGeneration', 0) >= (metadata.generation ?? 0),
  }
}

/** All pods asked for are there, of the newest template, and ready; none is left over. */
export function isRolledOut({ wanted, existing, ready, updated, current }: PodProgress): boolean {
  return current && existing === wanted && ready === wanted && updated === wanted
}

/** Whether a StatefulSet leaves it to the operator to replace outdated pods: the one of several brokers does. */
export function isRolledByUs({ spec }: ObservedChild): boolean {
  const strategy = spec?.['updateStrategy']
  return isPlainObject(strategy) && strategy['type'] === 'OnDelete'
}

/** Whether a pod itself is. */
export function isPodReady({ status }: ObservedChild): boolean {
  return conditionsIn(status).some(({ type, status: is }) => type === 'Ready' && is === 'True')
}

/** True when at least one pod answers. */
export const answers = (workload: ObservedChild | undefined): boolean =>
  workload !== undefined && podProgress(workload).ready > 0

/** None of its containers runs any more, nor will. */
export const hasEnded = ({ status }: ObservedChild): boolean =>
  status?.['phase'] === 'Succeeded' || status?.['phase'] === 'Failed'

/** A pod that somebody ended. */
export const isGoing = ({ metadata }: ObservedChild): boolean => metadata.deletionTimestamp !== undefined

/** The end of a Job, or undefined while it works. */
export function jobEnd(job: ObservedChild): { succeeded: boolean; message: string } | undefined {
  const ended = conditionsIn(job.status).find(({ type, status }) => status === 'True' && isEnd(type))
  if (ended === undefined) return undefined
  return { succeeded: ended['type'] === 'Complete', message: String(ended['message'] ?? '') }
}

const isEnd = (type: unknown): boolean => type === 'Complete' || type === 'Failed'

function numberIn(values: Record<string, unknown>, field: string, absent: number): number {
  const value = values[field]
  return typeof value === 'number' ? value : absent
}
