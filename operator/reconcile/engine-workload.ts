/** What an engine runs as. Pure. */
import { type EnginePart, partName } from '#operator/desired/names.ts'
import type { ObservedChild } from '#operator/desired/target.ts'
import { type Facts, findChild } from './facts.ts'

type Known = Pick<Facts, 'owner' | 'children'>

/** A StatefulSet of ours, or the object by which another operator runs it. */
export function engineWorkload({ owner, children }: Known, part: EnginePart): ObservedChild | undefined {
  const set = findChild({ children }, 'StatefulSet', partName(owner.metadata.name, part))
  return set ?? (part === 'postgres' ? postgresClusterOf({ owner, children }) : undefined)
}

/** The one that CloudNativePG runs. */
export const postgresClusterOf = ({ owner, children }: Known): ObservedChild | undefined =>
  findChild({ children }, 'Cluster', partName(owner.metadata.name, 'postgres'))

/** It is gone, and its volumes with it: an empty one is never made in its place without a word. */
export const isClusterLost = (known: Known & Pick<Facts, 'target'>): boolean =>
  known.target.effective.cloudNativePG !== undefined &&
  known.target.initialisation.initialised.has('postgres') &&
  postgresClusterOf(known) === undefined
