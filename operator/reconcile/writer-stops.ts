/** What stopped writers say of themselves. Asked only while a writer pod is not ready. */
import { type PartitionStop, parseStop } from '#dataservice/contract/writer-stops.ts'
import { isPlainObject } from '#operator/desired/hash.ts'
import { labelKeys } from '#operator/desired/labels.ts'
import type { ObservedChild } from '#operator/desired/target.ts'
import type { ReadinessPort } from '#operator/pods/port.ts'

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
  const asked = pods.flatMap(pod => addressOfUnready(pod) ?? []).slice(0, mostAsked)
  const answers = await Promise.all(
    asked.map(async ({ pod, address }) => {
      const stop = parseStop((await readiness.reasonOf(address)) ?? '')
      return stop === undefined ? [] : [{ ...stop, pod }]
    }),
  )
  return answers.flat().sort((left, right) => left.partition - right.partition)
}

/** A writer pod that runs, has an address and is not ready. */
function addressOfUnready({
  metadata,
  status = {},
}: ObservedChild): { pod: string; address: string } | undefined {
  const address = status['podIP']
  const conditions: unknown[] = Array.isArray(status['conditions']) ? status['conditions'] : []
  const isReady = conditions.some(
    condition => isPlainObject(condition) && condition['type'] === 'Ready' && condition['status'] === 'True',
  )
  const isWriter =
    metadata.labels[labelKeys.component] === 'writer' && metadata.deletionTimestamp === undefined
  if (!isWriter || isReady || status['phase'] !== 'Running' || typeof address !== 'string') return undefined
  return { pod: metadata.name, address }
}
