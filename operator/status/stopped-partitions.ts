/** What writers stopped and why, with the remedy. Pure. */
import { stopReasons } from '#dataservice/contract/writer-stops.ts'
import type { WriterStop } from '#operator/reconcile/writer-stops.ts'
import type { Problem } from './pods.ts'

/** The first partition that stopped, and how many more. */
export function stoppedPartitions([first, ...others]: readonly WriterStop[]): Problem | undefined {
  if (first === undefined) return undefined
  const { pod, partition, reason, detail } = first
  const more = others.length === 0 ? '' : ` (${others.length} more partitions stopped)`
  const message = `partition ${partition} is not written any more (pod ${pod}): ${detail}; ${stopReasons[reason]}${more}`
  return { reason, message }
}
