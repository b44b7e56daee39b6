/**
 * Pods of ours that cannot start because a Secret of the user is missing. The operator may not look at such
 * Secrets; the kubelet says it in an event, which is read while such a pod waits and at no other time. Pure.
 */
import { isPlainObject } from '#operator/desired/hash.ts'
import { labelKeys } from '#operator/desired/labels.ts'
import type { ObservedChild, Target } from '#operator/desired/target.ts'
import { mountingPrograms, userSecrets } from '#operator/desired/user-secrets.ts'
import { lastNote, type ObservedEvent } from './refusals.ts'

/** By name of the pod: what its kubelet said last. */
export type Unmounted = ReadonlyMap<string, string>

/** Of events that tell it. */
export const unmountedReasons = ['FailedMount'] as const

/** Pods that mount Secrets of the user and have not started a container yet. */
export function waitingToMount(
  target: Pick<Target, 'owner' | 'effective'>,
  pods: readonly ObservedChild[],
): ObservedChild[] {
  const mounting: unknown[] = mountingPrograms.filter(part => userSecrets(target, part).length > 0)
  return pods.filter(
    ({ metadata, status }) =>
      mounting.includes(metadata.labels[labelKeys.component]) &&
      metadata.deletionTimestamp === undefined &&
      isCreating(status?.['containerStatuses']),
  )
}

const isCreating = (statuses: unknown): boolean =>
  Array.isArray(statuses) &&
  statuses.some(
    status =>
      isPlainObject(status) &&
      isPlainObject(status['state']) &&
      isPlainObject(status['state']['waiting']) &&
      status['state']['waiting']['reason'] === 'ContainerCreating',
  )

export function unmountedOf(waiting: readonly ObservedChild[], events: readonly ObservedEvent[]): Unmounted {
  return new Map(
    waiting.flatMap(pod => {
      const note = lastNote(pod, events, unmountedReasons)?.note
      return note === undefined ? [] : [[pod.metadata.name, note]]
    }),
  )
}
