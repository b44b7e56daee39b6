/**
 * A DataService is held when it is deleted only if it has something at engines of others that goes with it. Pure.
 */
import { type DataService, group } from '#crds/v1alpha1/resource.ts'
import { takesAway } from '#operator/desired/elsewhere.ts'
import type { Facts } from '#operator/reconcile/facts.ts'
import type { Step } from '#operator/reconcile/plan.ts'

export const finalizer = `${group}/engines-of-others`

export const isHeld = ({ metadata }: DataService): boolean =>
  metadata.finalizers?.includes(finalizer) === true

/** It is set before anything is made elsewhere, and taken back when the policy or the engines are others. */
export function finalizerSteps({ owner, target }: Pick<Facts, 'owner' | 'target'>): Step[] {
  const wanted = takesAway(target)
  return wanted === isHeld(owner) ? [] : [{ do: 'hold', owner: holding(owner, wanted) }]
}

/** Nothing may be made elsewhere before. */
export const isHeldAsWanted = ({ owner, target }: Pick<Facts, 'owner' | 'target'>): boolean =>
  isHeld(owner) || !takesAway(target)

/** What is applied: of the DataService our finalizer alone, or nothing. */
export const holding = (
  { apiVersion, kind, metadata: { name, namespace, uid } }: DataService,
  held: boolean,
) => ({
  apiVersion,
  kind,
  metadata: { name, namespace, uid, ...(held && { finalizers: [finalizer] }) },
})
