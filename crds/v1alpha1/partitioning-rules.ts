/** Which fields of `postgres.partitioning` go with `record.id`. Rules of the whole spec, because they look at both. */
import type { Rule } from './scalars.ts'

const partitioning = 'self.postgres.partitioning'
const hasId = 'has(self.record.id)'
const isBy = (by: 'Time' | 'Hash') => `(has(${partitioning}.by) && ${partitioning}.by == '${by}')`

export const partitioningRules: readonly Rule[] = [
  {
    rule: `!(${hasId} && ${isBy('Time')})`,
    message:
      'postgres.partitioning.by is Time, but with record.id the id of a record carries no time: ' +
      'write by: Hash or leave by out, or leave record.id out',
  },
  {
    rule: `!(!${hasId} && ${isBy('Hash')})`,
    message:
      'postgres.partitioning.by is Hash, but without record.id records are cut by the time that their ids carry: ' +
      'set record.id, or leave by out',
  },
  {
    rule: `!${hasId} || !(has(${partitioning}.interval) || has(${partitioning}.premake) || has(${partitioning}.retain))`,
    message:
      'postgres.partitioning.interval, premake and retain belong to partitions by time, and with record.id there are ' +
      'none: leave them out, or leave record.id out',
  },
  {
    rule: `${hasId} || !has(${partitioning}.partitions)`,
    message:
      'postgres.partitioning.partitions counts partitions by hash, and without record.id there are none: ' +
      'set record.id, or leave partitions out',
  },
]
