/** The partitions of `records` by hash of the id: made once, all of them. */
import { hashPartitionName, type Partitioning } from '#dataservice/platform/postgres/partitions.ts'

export type HashPartitioning = Extract<Partitioning, { by: 'Hash' }>

export function hashPartitions({ partitions }: HashPartitioning): readonly string[] {
  return Array.from(
    { length: partitions },
    (_, remainder) => `CREATE TABLE ${hashPartitionName(remainder, partitions)} PARTITION OF records
FOR VALUES WITH (MODULUS ${partitions}, REMAINDER ${remainder})`,
  )
}
