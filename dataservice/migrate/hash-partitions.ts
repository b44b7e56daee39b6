/** The partitions of `records` by hash of the id: made once, all of them. */
import type { Partitioning } from '#dataservice/platform/postgres/partitions.ts'

export type HashPartitioning = Extract<Partitioning, { by: 'Hash' }>

export function hashPartitions({ partitions }: HashPartitioning): readonly string[] {
  const digits = String(partitions - 1).length
  return Array.from(
    { length: partitions },
    (_, part) => `CREATE TABLE records_h${String(part).padStart(digits, '0')} PARTITION OF records
FOR VALUES WITH (MODULUS ${partitions}, REMAINDER ${part})`,
  )
}
