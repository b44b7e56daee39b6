/** What a suite found out, and the lines that `--json` writes. Pure. */
import type { Row } from '#e2e/result-row.ts'

/** One measured or counted figure against what is allowed or wanted. */
export interface Figure {
  metric: string
  ours: number
  /** What stands against it; undefined: it is only told. */
  bound?: { kind: 'at most' | 'at least'; value: number }
}

export const atMost = (metric: string, ours: number, value: number): Figure => ({
  metric,
  ours,
  bound: { kind: 'at most', value },
})

export const atLeast = (metric: string, ours: number, value: number): Figure => ({
  metric,
  ours,
  bound: { kind: 'at least', value },
})

export const told = (metric: string, ours: number): Figure => ({ metric, ours })

/** The row of a figure that has a bound. */
export function rowOf(name: string, seed: number, { metric, ours, bound }: Figure): Row[] {
  if (!bound) return []
  const { kind, value: peer } = bound
  const ratio = kind === 'at least' ? share(ours, peer) : share(peer, ours)
  const holds = ratio >= 1
  return [{ name, metric, ours, peer, peerVersion: `${kind}, seed ${seed}`, ratio, gate: 1, holds }]
}

/** Nothing where nothing may be is all right. */
const share = (larger: number, smaller: number): number => (smaller === 0 ? 1 : larger / smaller)

/** The row of a suite that did not come to its end. */
export const broken = (name: string, seed: number): Row => ({
  name,
  metric: 'did not come to its end',
  ours: 1,
  peer: 0,
  peerVersion: `at most, seed ${seed}`,
  ratio: 0,
  gate: 1,
  holds: false,
})

/** What people read: every figure, those with a bound with their verdict. */
export function lineOf({ metric, ours, bound }: Figure): string {
  const figure = Number.isInteger(ours) ? String(ours) : ours.toFixed(2)
  if (!bound) return `${metric}: ${figure}`
  const { kind, value } = bound
  const holds = kind === 'at least' ? ours >= value : ours <= value
  return `${metric}: ${figure} (${kind} ${value}: ${holds ? 'holds' : 'FAILS'})`
}
