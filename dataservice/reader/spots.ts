/**
 * In which partition a record can only be. A statement that is about one partition is planned once for each connection;
 * one about the whole table is planned anew for each id, and that is half of what a record costs Postgres.
 */
import { hashPartitionOf } from '#dataservice/platform/postgres/hash-partition.ts'
import {
  hashPartitionName,
  type Interval,
  intervalEnd,
  intervalStart,
  type Partitioning,
} from '#dataservice/platform/postgres/partitions.ts'
import { highestUuid7, lowestUuid7, timeOfUuid7 } from '#dataservice/record/uuid7.ts'

export interface Spot {
  /** Another one for each partition. */
  name: string
  table: string
  /** Holds for every record of this partition, as long as it is one. */
  condition: string
  /** Whether a record that is not found here is not there at all. */
  isWhole: boolean
}

/** Of an id as it is stored. */
export type SpotOf = (id: string) => Spot

export const spotOf = (partitioning: Partitioning): SpotOf =>
  partitioning.by === 'Time' ? spotByTime(partitioning.interval) : spotByHash(partitioning.partitions)

/** The whole table is asked, for ids of one interval: whichever partitions there are, the answer is the same. */
const spotByTime =
  (interval: Interval): SpotOf =>
  id => {
    const start = intervalStart(interval, timeOfUuid7(id) ?? 0)
    const [first, last] = [lowestUuid7(start), highestUuid7(intervalEnd(interval, start) - 1)]
    return {
      name: String(start),
      table: 'records',
      condition: `id BETWEEN '${first}' AND '${last}'`,
      isWhole: true,
    }
  }

/**
 * The partition itself is asked, because no condition on the id names it to the planner. Postgres works the condition
 * out while it plans, and plans anew when the partition is detached or another one is attached: a row that is found is
 * one of the table's.
 */
const spotByHash =
  (partitions: number): SpotOf =>
  id => {
    const table = hashPartitionName(hashPartitionOf(Buffer.from(id), partitions), partitions)
    return {
      name: table,
      table,
      condition: `pg_partition_root('${table}'::regclass) = 'records'::regclass`,
      isWhole: false,
    }
  }
