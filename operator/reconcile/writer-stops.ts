/** What stopped writers say of themselves. Asked only while a writer pod is not ready. */
import { type PartitionStop, parseStop } from '#dataservice/contract/writer-stops.ts'
import type { ObservedChild } from '#operator/desired/target.ts'
import type { ReadinessPort } from '#operator/pods/port.ts'
import { isGoing, isPodReady } from './progress.ts'
import { runningPods } from './running-pods.ts'

/** A partition that a writer stopped. */
export interface WriterStop extends PartitionStop {
  pod: string
}

/** Pods asked in one run. */
const mostAsked = 8

/** Lowest partition first. */
export async function writerStops(
  pods: readonly ObservedChild[],
  readiness: ReadinessPort,
): Promise<WriterStop[]> {
  const asked = runningPods('writer', pods)
    .filter(({ pod }) => isUnready(pod))
    .slice(0, mostAsked)
  const answers = await Promise.all(
    asked.map(async ({ pod, address }) => {
      const stop = parseStop((await readiness.reasonOf(address)) ?? '')
      return stop === undefined ? [] : [{ ...stop, pod: pod.metadata.name }]
    }),
  )
  return answers.flat().sort((left, right) => left.partition - right.partition)
}

/** It neither is ready nor ends. */
const isUnready = (pod: ObservedChild): boolean => !isPodReady(pod) && !isGoing(pod)
