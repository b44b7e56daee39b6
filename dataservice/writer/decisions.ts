/** What the writer decides, as pure functions: who may write, and what a failure means for a batch. */
import type { Stop, StopReason } from '#dataservice/contract/writer-stops.ts'
import { backOffAfter } from '#dataservice/platform/back-off.ts'
import type { LogRange, Offset, SeenTopic } from '#dataservice/platform/kafka/port.ts'
import { type FailureKind, tooSlow } from '#dataservice/platform/postgres/failure.ts'

/** Where a partition stands in the database. */
export interface Position {
  clusterId: string
  /** Everything below is in the tables. */
  nextOffset: Offset
  /** Event id of the record at `nextOffset - 1`; undefined: nothing was written yet, or the log may hold none there. */
  lastId: string | undefined
  /** Rises with each claim; a writer with an older one may not write. */
  epoch: bigint
  /** Who claimed last. */
  claimedBy: string
}

export type ClaimVerdict =
  /** Read from `from`; `checkLast`: the record at `nextOffset - 1` comes first and must be the last one stored. */
  { kind: 'read'; from: Offset; checkLast: boolean } | { kind: 'stop'; stop: Stop }

/** What a claimed partition may do, given the log as it is. */
export function judgeClaim(position: Position, clusterId: string, range: LogRange): ClaimVerdict {
  const { nextOffset, lastId } = position
  if (position.clusterId !== clusterId) {
    return stop('LogReplaced', `stored positions are of cluster ${position.clusterId}, this is ${clusterId}`)
  }
  if (range.start > nextOffset) {
    return stop('LogGap', `next to read is ${nextOffset}, the log starts at ${range.start}`)
  }
  const checkLast = lastId !== undefined && range.start < nextOffset
  return { kind: 'read', from: checkLast ? nextOffset - 1n : nextOffset, checkLast }
}

/**
 * What it means that the log does not hold a position. Undefined: it holds it again, or nothing was ever read, so claim
 * anew. A new topic of the same name is no truncated log, whatever its bounds: its records are others.
 */
export function judgeOutOfRange(nextOffset: Offset, range: LogRange, topic: SeenTopic): Stop | undefined {
  if (topic === 'another' && nextOffset > 0n) {
    const detail = `the topic was made anew; next to read was ${nextOffset}, the new log ends at ${range.end}`
    return { reason: 'LogReplaced', detail }
  }
  if (range.start > nextOffset) {
    return { reason: 'LogGap', detail: `next to read is ${nextOffset}, the log starts at ${range.start}` }
  }
  if (range.end < nextOffset) {
    return { reason: 'LogTruncated', detail: `next to read is ${nextOffset}, the log ends at ${range.end}` }
  }
  return undefined
}

export type FenceVerdict =
  /** Somebody else has the partition: forget what is buffered. */
  | { kind: 'lost' }
  /** An earlier try had succeeded after all. */
  | { kind: 'committed' }
  /** A claim of our own took effect late: go on under its epoch. */
  | { kind: 'renewed' }
  /** The database stands where we never left it (restored?): claim again from the start. */
  | { kind: 'reclaim' }

/** What it means that the compare-and-set changed no row. */
export function judgeFence(ours: Position, found: Position | undefined): FenceVerdict {
  if (!found) return { kind: 'reclaim' }
  if (found.claimedBy !== ours.claimedBy) return { kind: 'lost' }
  if (found.nextOffset < ours.nextOffset) return { kind: 'reclaim' }
  if (found.nextOffset > ours.nextOffset) return { kind: 'committed' }
  return found.epoch === ours.epoch ? { kind: 'reclaim' } : { kind: 'renewed' }
}

/**
 * What it means where the database stands, asked after `ours` was committed there: it can only have risen since, unless
 * the primary is another one now, which never got the end of the old one.
 */
export function judgeStanding(ours: Position, found: Position | undefined): 'stands' | 'lost' | 'reclaim' {
  if (!found || found.nextOffset < ours.nextOffset) return 'reclaim'
  return found.claimedBy === ours.claimedBy ? 'stands' : 'lost'
}

/**
 * `fast` is COPY; `tolerant` leaves out what is stored already; `isolating` also finds the rows that the database
 * refuses.
 */
export type Path = 'fast' | 'tolerant' | 'isolating'

export type FailureVerdict =
  | { kind: 'tolerate' }
  | { kind: 'isolate' }
  | { kind: 'make-partitions' }
  | { kind: 'stop' }
  /** `smaller`: the batch may be too much for one statement. */
  | { kind: 'again'; smaller: boolean }

/** What to do with a batch that failed. */
export function judgeFailure(kind: FailureKind, path: Path, sqlState: string | undefined): FailureVerdict {
  if (kind === 'duplicate' && path === 'fast') return { kind: 'tolerate' }
  if (kind === 'missing-partition') return { kind: 'make-partitions' }
  if (kind === 'refused') return { kind: path === 'isolating' ? 'stop' : 'isolate' }
  return { kind: 'again', smaller: sqlState === tooSlow }
}

/** How often the fast path met duplicates lately. */
export interface PathHistory {
  /** Batches so far. */
  batches: number
  /** Numbers of the latest batches with a duplicate, at most two. */
  violations: readonly number[]
  /** Milliseconds since 1970 until which the tolerant path is taken. */
  tolerantUntil: number
}

export const freshHistory: PathHistory = { batches: 0, violations: [], tolerantUntil: 0 }
const windowBatches = 100
const tolerantMs = 60_000

export function pathOf(history: PathHistory, now: number): Path {
  return now < history.tolerantUntil ? 'tolerant' : 'fast'
}

/** Two duplicates within 100 batches: otherwise a few resends would make every batch run twice. */
export function afterBatch(history: PathHistory, violated: boolean, now: number): PathHistory {
  const batches = history.batches + 1
  if (!violated) return { ...history, batches }
  const recent = history.violations.filter(batch => batches - batch < windowBatches)
  const often = recent.length > 0
  return {
    batches,
    violations: often ? [] : [batches],
    tolerantUntil: often ? now + tolerantMs : history.tolerantUntil,
  }
}

const backOffLimits = { firstMs: 50, mostMs: 5_000 }

/** Milliseconds before the next try; `attempt` counts from 0, `random` is in [0, 1). */
export function backOff(attempt: number, random: number): number {
  return backOffAfter(attempt + 1, backOffLimits, random)
}

function stop(reason: StopReason, detail: string): ClaimVerdict {
  return { kind: 'stop', stop: { reason, detail } }
}
