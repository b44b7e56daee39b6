/** How the tables of records and of changes are cut: by the time that their ids carry, or by hash of an id. */
import type { Settings } from '#dataservice/contract/settings.ts'

export type Partitioning = Settings['partitioning']
export type TimePartitioning = Extract<Partitioning, { by: 'Time' }>
export type Interval = TimePartitioning['interval']

/**
 * The shapes of the tables: records that stay, cut by time or by hash of their id; or records that change, cut by hash,
 * with their changes in the table `events`.
 */
export type TableKind = 'Time' | 'Hash' | 'Upsert'

export function tableKind(partitioning: Partitioning): TableKind {
  if (partitioning.by === 'Time') return 'Time'
  return partitioning.history === undefined ? 'Hash' : 'Upsert'
}

/** A table that is cut by the time of its ids; undefined where all partitions are made at once. */
export interface TimedTable extends TimePartitioning {
  table: 'records' | 'events'
}

export function timedTable(partitioning: Partitioning): TimedTable | undefined {
  if (partitioning.by === 'Time') return { ...partitioning, table: 'records' }
  return partitioning.history && { ...partitioning.history, table: 'events' }
}

interface IntervalFacts {
  /** For `date_trunc`. */
  unit: string
  /** For `interval '…'`. */
  width: string
  /** For `to_char`; what stands behind the prefix in the partition's name. */
  label: string
  /** Length of that label. */
  digits: number
}

export const intervals: Readonly<Record<Interval, IntervalFacts>> = {
  Hour: { unit: 'hour', width: '1 hour', label: 'YYYYMMDDHH24', digits: 10 },
  Day: { unit: 'day', width: '1 day', label: 'YYYYMMDD', digits: 8 },
  Month: { unit: 'month', width: '1 month', label: 'YYYYMM', digits: 6 },
}

/** What the names of a table's partitions by time begin with. */
export const partitionPrefix = ({ table }: Pick<TimedTable, 'table'>): string => `${table}_p`

/** The tables that hold the records of a table by hash, by their remainder. */
export function hashPartitionName(remainder: number, partitions: number): string {
  return `records_h${String(remainder).padStart(String(partitions - 1).length, '0')}`
}

/** Columns by which pages are ordered, newest last: ids that carry no time leave that to another column. */
export const pageOrder: Readonly<Record<TableKind, readonly string[]>> = {
  Time: ['id'],
  Hash: ['accepted_at', 'id'],
  Upsert: ['accepted_at', 'id'],
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

/** At least as long as the longest such interval, and shorter than two of them; milliseconds. */
const longest: Readonly<Record<Interval, number>> = {
  Hour: 3_600_000,
  Day: 86_400_000,
  Month: 31 * 86_400_000,
}

/** Start of the next interval after one that starts at this moment; both are milliseconds since 1970, UTC. */
export const intervalEnd = (interval: Interval, start: number): number =>
  intervalStart(interval, start + longest[interval])

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
