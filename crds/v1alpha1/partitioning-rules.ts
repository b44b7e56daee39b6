/** Which fields of `postgres.partitioning` go with `record.id` and `record.mode`. Rules of the whole spec, because they look at both. */
import type { Rule } from './scalars.ts'

const partitioning = 'self.postgres.partitioning'
const isUpsert = `self.record.mode == 'Upsert'`
/** Ids that carry no time. */
const isByHash = `(has(self.record.id) || ${isUpsert})`
const isBy = (by: 'Time' | 'Hash') => `(has(${partitioning}.by) && ${partitioning}.by == '${by}')`

export const partitioningRules: readonly Rule[] = [
  {
    rule: `!(${isByHash} && ${isBy('Time')})`,
    message:
      'postgres.partitioning.by is Time, but with record.id or mode Upsert the id of a record carries no time: ' +
      'write by: Hash or leave by out',
  },
  {
    rule: `!(!${isByHash} && ${isBy('Hash')})`,
    message:
      'postgres.partitioning.by is Hash, but without record.id or mode Upsert records are cut by the time that their ids ' +
      'carry: set record.id or record.mode Upsert, or leave by out',
  },
  {
    rule:
      `!has(self.record.id) || ${isUpsert} || ` +
      `!(has(${partitioning}.interval) || has(${partitioning}.premake) || has(${partitioning}.retain))`,
    message:
      'postgres.partitioning.interval, premake and retain belong to partitions by time, and with record.id there are ' +
      'none: leave them out, or leave record.id out',
  },
  {
    rule: `${isByHash} || !has(${partitioning}.partitions)`,
    message:
      'postgres.partitioning.partitions counts partitions by hash, and without record.id or mode Upsert there are none: ' +
      'set record.id or record.mode Upsert, or leave partitions out',
  },
]
