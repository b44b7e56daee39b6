/**
 * How many writers there should be, with `writer.autoscaling.mode: Lag`. Pure.
 *
 * More: while records wait and will not have been caught up with soon; at most twice as many at once, then time to see what
 * it brought. Not when Postgres is what is slow: more writers would only wait for it together. Fewer: one step at a time,
 * when nothing waits and the others would be at less than half of what they can do.
 */
import type { WriterScaling } from '#crds/v1alpha1/status.ts'
import type { WriterLoad } from '#dataservice/contract/writer-progress.ts'
import { type Limit, pauseAfterMoreSeconds, pauseBeforeFewerSeconds } from '#operator/desired/pod-numbers.ts'

/** All writers together; `busy` is that of the busiest, `commitSeconds` the mean of the slowest. */
export type TotalLoad = WriterLoad

export interface Situation {
  now: Date
  current: number
  floor: number
  most: number
  /** What `most` comes from. */
  mostBy: Limit
  partitions: number
  load: TotalLoad
  /** The last change, as the status keeps it. */
  last: WriterScaling | undefined
}

export interface ScalingVerdict {
  number: number
  /** Set while records wait and there are no more writers for them. */
  limitedBy?: Limit
}

/** Records that wait no longer than this are the ordinary work of a batch. */
const patientSeconds = 30
/** Nobody is added when those that are there will have caught up in this time. */
const soonSeconds = 120
/** What waits should be stored in this time when pods are added for it. */
const catchUpSeconds = 300
/** At most so many times as many at once. */
const largestStep = 2
/** Transactions that take longer than this are not waiting for us. */
const slowCommitSeconds = 1
/** What more writers have to bring at least, or Postgres is the limit. */
const leastGain = 1.1
/** What the last step brought says nothing later: records and Postgres are others by then, and it is tried again. */
const trialSeconds = 1800
const idleSeconds = 5
const roomySpeed = 0.5

export function decideWriters(situation: Situation): ScalingVerdict {
  const { current, load } = situation
  if (isBehind(load)) return more(situation)
  return { number: isCalm(situation) ? fewer(situation) : current }
}

/** Records wait, and not only until the writers that are there have caught up. */
function isBehind({ waitingSeconds, waiting, storing, arrived }: TotalLoad): boolean {
  if (waitingSeconds < patientSeconds) return false
  return storing <= arrived || waiting / (storing - arrived) > soonSeconds
}

function more(situation: Situation): ScalingVerdict {
  const { current, most, mostBy, load } = situation
  if (isDatabaseSlow(situation)) return { number: current, limitedBy: 'Database' }
  const useful = usefulAbove(situation).filter(number => number <= most)
  const [next] = useful
  if (next === undefined) return { number: current, limitedBy: mostBy }
  if (secondsSince(situation) < pauseAfterMoreSeconds) return { number: current }
  const demand =
    load.storing === 0 ? largestStep : (load.arrived + load.waiting / catchUpSeconds) / load.storing
  const wanted = Math.ceil(current * Math.min(largestStep, demand))
  return { number: useful.findLast(number => number <= wanted) ?? next }
}

function isDatabaseSlow(situation: Situation): boolean {
  const { current, load, last } = situation
  if (load.commitSeconds >= slowCommitSeconds) return true
  if (secondsSince(situation) >= trialSeconds) return false
  const { from = current, recordsPerSecond = 0 } = last ?? {}
  return from < current && load.storing < recordsPerSecond * leastGain
}

const isCalm = (situation: Situation): boolean =>
  situation.load.waitingSeconds < idleSeconds && secondsSince(situation) >= pauseBeforeFewerSeconds

function fewer({ current, floor, partitions, load }: Situation): number {
  const number = Math.max(floor, usefulBelow(current, partitions))
  const share = Math.ceil(partitions / number) / Math.ceil(partitions / current)
  return number < current && load.busy * share < roomySpeed ? number : current
}

/** Numbers with which the writer with most partitions has fewer of them than with the number before. */
const usefulAbove = ({ current, partitions }: Situation): number[] =>
  Array.from({ length: Math.max(0, partitions - current) }, (_, index) => current + 1 + index).filter(
    number =>
      Math.ceil(partitions / number) < Math.ceil(partitions / Math.max(1, number - 1)) &&
      Math.ceil(partitions / number) < Math.ceil(partitions / current),
  )

/** The smallest number that is enough for one partition more each, and at least 1. */
function usefulBelow(current: number, partitions: number): number {
  const each = Math.ceil(partitions / current) + 1
  return Math.min(Math.max(1, current - 1), Math.max(1, Math.ceil(partitions / each)))
}

function secondsSince({ now, last }: Situation): number {
  const at = Date.parse(last?.changedAt ?? '')
  return Number.isNaN(at) ? Number.POSITIVE_INFINITY : Math.max(0, (now.getTime() - at) / 1000)
}
