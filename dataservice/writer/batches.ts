/** Records on their way to another topic. */
import { batchBytes, maxBatchBytes } from '#dataservice/platform/kafka/batch-encoder.ts'
import type { LogAppender, NewRecord } from '#dataservice/platform/kafka/port.ts'

export interface Outgoing {
  /** Records with the same one stay in order. */
  partition: number
  record: NewRecord
}

export const fits = (record: NewRecord): boolean => batchBytes([record]) <= maxBatchBytes

/** In order, each of one partition and small enough for one append. */
export function inBatches<Item extends Outgoing>(items: readonly Item[]): Item[][] {
  const batches: Item[][] = []
  let bytes = 0
  for (const item of items) {
    const size = batchBytes([item.record])
    const current = batches.at(-1)
    if (current?.[0]?.partition === item.partition && bytes + size <= maxBatchBytes) {
      current.push(item)
      bytes += size
    } else {
      batches.push([item])
      bytes = size
    }
  }
  return batches
}

/** Rejects unless the topic certainly has all records of the batch, which are of one partition. */
export async function append(topic: LogAppender, batch: readonly Outgoing[]): Promise<void> {
  const partition = (batch[0]?.partition ?? 0) % topic.partitions
  const outcomes = await topic.append(new Map([[partition, batch.map(({ record }) => record)]]))
  const outcome = outcomes.get(partition)
  if (outcome?.kind !== 'appended') throw new Error(outcome?.reason ?? 'the topic named no outcome')
}
