/** Pods of `shop/orders` for tests, as the kubelet and the scheduler would report them. */
import { childLabels } from '#operator/desired/labels.ts'
import type { ObservedChild } from '#operator/desired/target.ts'
import type { PodOwner } from '#operator/status/pod-fields.ts'

export interface PodStory {
  owner: PodOwner | 'remove' | 'restore' | 'backup-job'
  name: string
  labels?: Record<string, string>
  created?: string
  deleted?: boolean
  phase?: string
  /** Message of the scheduler when no node was found. */
  notScheduled?: string
  /** `containerStatuses` with the fields that matter. */
  container?: Record<string, unknown>
  initContainer?: Record<string, unknown>
}

export function pod(story: PodStory): ObservedChild {
  const {
    owner,
    name,
    labels = {},
    created = '2026-01-01T00:00:00Z',
    notScheduled,
    container,
    initContainer,
  } = story
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: {
      name,
      namespace: 'shop',
      labels: { ...childLabels('orders', owner), ...labels },
      creationTimestamp: created,
      ...(story.deleted ? { deletionTimestamp: created } : {}),
    },
    status: {
      phase: story.phase ?? 'Pending',
      ...(notScheduled === undefined
        ? {}
        : {
            conditions: [
              { type: 'PodScheduled', status: 'False', reason: 'Unschedulable', message: notScheduled },
            ],
          }),
      ...(initContainer === undefined
        ? {}
        : { initContainerStatuses: [{ name: 'first', ...initContainer }] }),
      ...(container === undefined
        ? {}
        : { containerStatuses: [{ name: owner, image: 'x:1', ...container }] }),
    },
  }
}

export const waiting = (reason: string, message = '') => ({ state: { waiting: { reason, message } } })

export const ended = (exitCode: number, reason: string, message = '') => ({
  terminated: { exitCode, reason, message },
})
