/**
 * Pods of the gateway that cannot start because a Secret of the user is missing. The operator may not look at such
 * Secrets; the kubelet says it in an event, which is read while such a pod waits and at no other time. Pure.
 */
import type { DataService } from '#crds/v1alpha1/resource.ts'
import { callerSecrets } from '#operator/desired/gateway-rules.ts'
import { isPlainObject } from '#operator/desired/hash.ts'
import { labelKeys } from '#operator/desired/labels.ts'
import type { ObservedChild } from '#operator/desired/target.ts'
import { lastNote, type ObservedEvent } from './refusals.ts'

/** By name of the pod: what its kubelet said last. */
export type Unmounted = ReadonlyMap<string, string>

/** Gateways that mount Secrets of the user and have not started a container yet. */
export function waitingToMount(owner: DataService, pods: readonly ObservedChild[]): ObservedChild[] {
  if (callerSecrets(owner.spec.gateway).length === 0) return []
  return pods.filter(
    ({ metadata, status }) =>
      metadata.labels[labelKeys.component] === 'gateway' &&
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
      const note = lastNote(pod, events, ['FailedMount'])?.note
      return note === undefined ? [] : [[pod.metadata.name, note]]
    }),
  )
}
