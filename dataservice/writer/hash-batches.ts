/** How much goes into one batch, and in which order, by how the table is cut. */
import { hashPartitionOf } from '#dataservice/platform/postgres/hash-partition.ts'
import { type Partitioning, tableKind } from '#dataservice/platform/postgres/partitions.ts'
import type { LaneLimits } from './buffer.ts'
import type { NewRow } from './decode.ts'

/** Fewer rows cost noticeably more for each, more of them hardly less. */
const enough = 2_000
const most = 16_000
/** Opening a partition costs Postgres as much as storing some rows. */
const rowsOfEachPartition = 40

/**
 * The rows of a batch lie in all partitions by hash, but in one or two by time. Only what waits already is taken, so a
 * larger batch lets nobody wait longer.
 */
export function laneLimits(partitioning: Partitioning): LaneLimits {
  const touched = partitionsByHash(partitioning) ?? 1
  const maxRecords = Math.min(most, Math.max(enough, touched * rowsOfEachPartition))
  return { maxRecords, maxBytes: 4 * 1024 * 1024, maxDelayMs: 5 }
}

export type StoringOrder = (rows: readonly NewRow[]) => readonly NewRow[]

/**
 * COPY stores rows of one partition together as long as they come one after the other. Rows of one partition, and so
 * those of one id, stay in the order of the log.
 */
export function storingOrder(partitioning: Partitioning): StoringOrder {
  const partitions = partitionsByHash(partitioning)
  if (partitions === undefined) return rows => rows
  const partitionOf = ({ fields: [id] }: NewRow): number => (id ? hashPartitionOf(id, partitions) : 0)
  return rows =>
    rows
      .map(row => ({ row, partition: partitionOf(row) }))
      .sort((one, other) => one.partition - other.partition)
      .map(({ row }) => row)
}

/** Undefined where rows are not cut by hash, or are changed one by one. */
function partitionsByHash(partitioning: Partitioning): number | undefined {
  const isByHash = tableKind(partitioning) === 'Hash' && partitioning.by === 'Hash'
  return isByHash ? partitioning.partitions : undefined
}
