/** One comparison: ours against a peer that does the same work in the same run. Pure. */
import type { Row } from '#e2e/result-row.ts'

/** `smoke` is for every change, `full` for figures that are told to others. */
export type Size = 'smoke' | 'full'

/** What one contender did in one round. */
export interface Sample {
  operations: number
  /** User and system time of every process that did the work. */
  cpuSeconds: number
  wallSeconds: number
}

export interface Contender {
  /** Name and version, for example `psql 17.5`. */
  version: string
  /** Does the work once. Rejects when what it did is not what was asked for: a wrong result has no speed. */
  round(): Promise<Sample>
}

export interface Contest {
  name: string
  /** What the figures are, for example `CPU µs for each row`. */
  metric: string
  /** Least ratio peer/ours that holds: 1 means ours costs as much as the peer. */
  gate: number
  ours: Contender
  peer: Contender
}

/** What was counted, and what else is to be told of it. */
export interface Told {
  ours: number
  peer: number
  remarks?: readonly string[]
}

/** A comparison of what is counted, not timed in turns: one look is enough. */
export interface Tally {
  name: string
  /** What is counted, for example `statements`. */
  metric: string
  /** Least ratio that holds: peer/ours, or ours/peer where more is better. */
  gate: number
  isMoreBetter?: boolean
  /** What stands against ours. */
  peer: string
  /** Rejects when what it did is not what was asked for. */
  count(): Promise<Told>
}

/** A peer that this machine cannot have. It is told, and decides nothing. */
export interface Absent {
  name: string
  /** Name and version. */
  absent: string
  reason: string
}

export type Entry = Contest | Tally | Absent

/**
 * Brings up what its contests need; what is handed to `resources` goes afterwards. A bench that stands under several
 * names runs once for all of them that are `asked` for, so that they share what takes long to make.
 */
export type Bench = (
  size: Size,
  resources: AsyncDisposableStack,
  asked: ReadonlySet<string>,
) => Promise<readonly Entry[]>

/** Samples of both contenders, in the order of the rounds. */
export interface Rounds {
  ours: readonly Sample[]
  peer: readonly Sample[]
}

export const cpuMicroseconds = ({ cpuSeconds, operations }: Sample): number => (cpuSeconds / operations) * 1e6
export const perSecond = ({ wallSeconds, operations }: Sample): number => operations / wallSeconds

/** Medians decide: one round that a neighbour disturbed changes nothing. */
export function judge({ name, metric, gate, peer }: Contest, rounds: Rounds): Row {
  const costs = {
    ours: median(rounds.ours.map(cpuMicroseconds)),
    peer: median(rounds.peer.map(cpuMicroseconds)),
  }
  const ratio = costs.peer / costs.ours
  return { name, metric, ...costs, peerVersion: peer.version, ratio, gate, holds: ratio >= gate }
}

export function rowOf(
  { name, metric, gate, isMoreBetter, peer: peerVersion }: Tally,
  { ours, peer }: Told,
): Row {
  const ratio = isMoreBetter ? ours / peer : peer / ours
  return { name, metric, ours, peer, peerVersion, ratio, gate, holds: ratio >= gate }
}

export const rowOfAbsent = ({ name, absent, reason }: Absent): Row => ({
  ...broken({ name, metric: 'could not be installed' }, `${absent}: ${reason}`),
  holds: true,
})

/** The row of what could not be measured. */
export const broken = (
  { name, metric, gate = 0 }: Pick<Row, 'name' | 'metric'> & Partial<Pick<Row, 'gate'>>,
  peerVersion = '',
): Row => ({ name, metric, ours: 0, peer: 0, peerVersion, ratio: 0, gate, holds: false })

/** The middle one; the mean of the two middle ones when their number is even. Rejects an empty list. */
export function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b)
  const [low, high] = [sorted[Math.floor((sorted.length - 1) / 2)], sorted[Math.floor(sorted.length / 2)]]
  if (low === undefined || high === undefined) throw new Error('nothing was measured')
  return (low + high) / 2
}

/** Rows that look at one measurement: it is made for the first of them, and the others get the same. */
export function once<Found>(measure: () => Promise<Found>): () => Promise<Found> {
  let found: Promise<Found> | undefined
  return () => {
    found ??= measure()
    return found
  }
}
