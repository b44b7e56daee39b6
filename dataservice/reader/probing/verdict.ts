/** What the last probes say of the whole way. Pure. */
import type { EndToEnd, Hop } from '#dataservice/contract/end-to-end.ts'

export type ProbeOutcome =
  /** `tookMs` is absent when another pod's probe was seen to come through. */
  | { kind: 'passed'; tookMs?: number }
  | { kind: 'stuck'; at: Hop; detail: string }
  /** A gateway of an older version knows no probes. */
  | { kind: 'untold' }

/** Outcomes that are kept. */
export const remembered = 6
/** Of these, what came through lately; one alone may be chance. */
const recent = 3
const stuckInRow = 2

/**
 * Undefined while nothing is known. `outcomes`: oldest first. `hasPassed`: a probe of this pod came through before; until
 * then the service may be coming up, and it takes longer to call it stuck.
 */
export function endToEndOf(outcomes: readonly ProbeOutcome[], hasPassed: boolean): EndToEnd | undefined {
  const told = outcomes.filter(({ kind }) => kind !== 'untold')
  const last = told.at(-1)
  const row = hasPassed ? stuckInRow : remembered
  const isStuck = told.length >= row && told.slice(-row).every(({ kind }) => kind === 'stuck')
  if (isStuck && last?.kind === 'stuck') return { brokenAt: last.at, detail: last.detail }
  const passed = told.slice(-recent).filter(each => each.kind === 'passed')
  if (passed.length === 0) return undefined
  const times = passed.flatMap(({ tookMs }) => tookMs ?? [])
  return times.length === passed.length ? { quickestMs: Math.min(...times) } : {}
}
