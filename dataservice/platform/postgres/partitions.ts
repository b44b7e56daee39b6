/** The partitions of `records`: by the time that their ids carry, or by hash of a natural id. */
import type { Settings } from '#dataservice/contract/settings.ts'

export type Partitioning = Settings['partitioning']
export type TimePartitioning = Extract<Partitioning, { by: 'Time' }>
export type Interval = TimePartitioning['interval']

interface IntervalFacts {
  /** For `date_trunc`. */
  unit: string
  /** For `interval '…'`. */
  width: string
  /** For `to_char`; what stands behind `records_p` in the partition's name. */
  label: string
  /** Length of that label. */
  digits: number
}

export const intervals: Readonly<Record<Interval, IntervalFacts>> = {
  Hour: { unit: 'hour', width: '1 hour', label: 'YYYYMMDDHH24', digits: 10 },
  Day: { unit: 'day', width: '1 day', label: 'YYYYMMDD', digits: 8 },
  Month: { unit: 'month', width: '1 month', label: 'YYYYMM', digits: 6 },
}

export const partitionPrefix = 'records_p'

/** Columns by which pages are ordered, newest last: ids that carry no time leave that to another column. */
export const pageOrder: Readonly<Record<Partitioning['by'], readonly string[]>> = {
  Time: ['id'],
  Hash: ['accepted_at', 'id'],
}

/**
 * Makes the partition of now and those ahead of it; one row with the answer of `ensure_partition` for each.
 * For the owner of the tables.
 */
export function premakeSql({ interval, premake }: TimePartitioning): string {
  const { unit, width } = intervals[interval]
  return `SELECT ensure_partition(lowest_id(start))
FROM generate_series(date_trunc('${unit}', now()), date_trunc('${unit}', now()) + ${premake} * interval '${width}',
  interval '${width}') AS start`
}

/** What `ensure_partition` answers. */
export type PartitionAnswer = 'ready' | 'expired' | 'future'

export function partitionAnswer(text: string | null | undefined): PartitionAnswer {
  if (text === 'ready' || text === 'expired' || text === 'future') return text
  throw new Error(`ensure_partition answered ${text ?? 'nothing'}`)
}

/** Start of the interval that a moment lies in; both are milliseconds since 1970, UTC. */
export function intervalStart(interval: Interval, milliseconds: number): number {
  const moment = new Date(milliseconds)
  const day = [moment.getUTCFullYear(), moment.getUTCMonth(), moment.getUTCDate()] as const
  const starts: Readonly<Record<Interval, () => number>> = {
    Hour: () => Date.UTC(...day, moment.getUTCHours()),
    Day: () => Date.UTC(...day),
    Month: () => Date.UTC(day[0], day[1]),
  }
  return starts[interval]()
}
