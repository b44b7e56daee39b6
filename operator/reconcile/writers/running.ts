/** Writers that can be asked. Pure. */
import { labelKeys } from '#operator/desired/labels.ts'
import type { ObservedChild } from '#operator/desired/target.ts'

export interface RunningWriter {
  pod: ObservedChild
  address: string
}

/** Writers that run and have an address, ready or not, those that are ending too. */
export function runningWriters(pods: readonly ObservedChild[]): RunningWriter[] {
  return pods.flatMap(pod => {
    const { metadata, status = {} } = pod
    const address = status['podIP']
    const isRunning = metadata.labels[labelKeys.component] === 'writer' && status['phase'] === 'Running'
    return isRunning && typeof address === 'string' ? [{ pod, address }] : []
  })
}
