/**
 * What a restore leaves in the database for the migration that follows it, which lets the writers in only when their
 * positions fit the log; and what that migration says about it in its termination message.
 */

/** Rows of `service_facts`. */
export const restoredFacts = {
  /** What the writers had reached before the restore (`Reached` as JSON, or `null`), until the migration has looked at it. */
  reached: 'restore.reached',
  /** What it found then. */
  result: 'restore.result',
} as const

/** A place in the log of one partition, as the tables had it before the restore. */
export interface ReachedPosition {
  topic: string
  partition: number
  clusterId: string
  /** A 64-bit number as text. */
  nextOffset: string
  lastId: string | null
}

export interface Reached {
  /** When it was read; a few seconds later more may have been stored. */
  at: string
  positions: readonly ReachedPosition[] | null
}

export interface LogVerdict {
  /** Partitions whose log is another one than before, or begins later: they are read from its start. */
  moved: number
  /** Records that were stored, or should have been, and are neither in the tables nor in the log. */
  lost: number
  /** Until when `lost` was counted, where the log is another one. */
  countedUntil?: string
}

const head = 'Restored: '

export const verdictLine = (verdict: LogVerdict): string => `${head}${JSON.stringify(verdict)}\n`

/** Undefined for any other text. */
export function parseVerdict(line: string): LogVerdict | undefined {
  if (!line.startsWith(head)) return undefined
  try {
    const { moved, lost, countedUntil } = JSON.parse(line.slice(head.length))
    if (!Number.isSafeInteger(moved) || !Number.isSafeInteger(lost)) return undefined
    return { moved, lost, ...(typeof countedUntil === 'string' && { countedUntil }) }
  } catch {
    return undefined
  }
}
