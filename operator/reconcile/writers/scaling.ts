/** The step to another number of writers, and what the status keeps of it. Pure. */
import type { WriterScaling } from '#crds/v1alpha1/status.ts'
import type { Facts } from '../facts.ts'
import { workloadOf } from '../lifecycle/asleep.ts'
import { podProgress } from '../progress.ts'
import { lagRule } from './load.ts'
import { decideWriters, type ScalingVerdict } from './number.ts'

type Known = Pick<Facts, 'owner' | 'target' | 'children' | 'pods' | 'load'>

interface Decided extends ScalingVerdict {
  current: number
}

function decided(known: Known): Decided | undefined {
  const rule = lagRule(known)
  const writer = workloadOf('writer', known)
  if (rule === undefined || writer === undefined || known.load.kind !== 'seen') return undefined
  const { wanted: current } = podProgress(writer)
  const { at, load } = known.load
  const { partitions } = known.target.effective.topic
  const last = known.owner.status?.scaling?.writer
  const { number: floor, most, mostBy } = rule
  return { current, ...decideWriters({ now: at, current, floor, most, mostBy, partitions, load, last }) }
}

/** Undefined: as it is. */
export function writersByLag(known: Known): number | undefined {
  const verdict = decided(known)
  return verdict === undefined || verdict.number === verdict.current ? undefined : verdict.number
}

/** Undefined while the number is not the operator's to move. Changes only with the number and with what limits it. */
export function writerScaling(known: Known): WriterScaling | undefined {
  if (lagRule(known) === undefined) return undefined
  const before = known.owner.status?.scaling?.writer ?? {}
  const verdict = decided(known)
  if (verdict === undefined || known.load.kind !== 'seen') return before
  const { current, number, limitedBy } = verdict
  const { at, load } = known.load
  if (number !== current)
    return { changedAt: wholeSeconds(at), from: current, recordsPerSecond: Math.round(load.storing) }
  const { limitedBy: _, ...last } = before
  return { ...last, ...(limitedBy && { limitedBy }) }
}

const wholeSeconds = (at: Date): string => at.toISOString().replace(/\.\d+Z$/, 'Z')
