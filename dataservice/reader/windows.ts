/** Where a page is looked for first. */
import { type Interval, intervalStart } from '#dataservice/platform/postgres/partitions.ts'
import { timeOfUuid7 } from '#dataservice/record/uuid7.ts'
import type { PagePlace } from './cursor.ts'
import type { PageQuestion } from './parameters.ts'

export interface WindowOptions {
  /** The page starts behind this place. */
  after: PagePlace | undefined
  /** Of partitions by time; absent where time does not tell the partition. */
  interval: Interval | undefined
  /** Milliseconds since 1970. */
  now: number
}

/**
 * The same question about the newest two partitions it can be about, then about all that is older. Planning takes its
 * time for every partition that may hold an answer: in a table of 400 it was nine tenths of what a page cost, and most
 * pages end before the second part.
 */
export function windowsOf(question: PageQuestion, options: WindowOptions): readonly PageQuestion[] {
  const { after, interval, now } = options
  const { from, to, order, ids } = question
  if (interval === undefined || order === 'asc' || ids !== undefined) return [question]
  const newest = Math.min(to ?? now, (after && timeOfUuid7(after.id)) ?? now)
  const start = intervalStart(interval, intervalStart(interval, newest) - 1)
  if (from !== undefined && from >= start) return [question]
  // Without an upper bound of its own: a clock that is ahead of ours may have made an id.
  return [
    { ...question, from: start },
    { ...question, to: start },
  ]
}
