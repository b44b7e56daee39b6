/** Pods that can be asked. Pure. */
import { labelKeys } from '#operator/desired/labels.ts'
import type { ObservedChild } from '#operator/desired/target.ts'

export interface RunningPod {
  pod: ObservedChild
  address: string
}

/** Those of a component that run and have an address, ready or not, those that are ending too. */
export function runningPods(component: string, pods: readonly ObservedChild[]): RunningPod[] {
  return pods.flatMap(pod => {
    const { metadata, status = {} } = pod
    const address = status['podIP']
    const isRunning = metadata.labels[labelKeys.component] === component && status['phase'] === 'Running'
    return isRunning && typeof address === 'string' ? [{ pod, address }] : []
  })
}
