/** Children that somebody else keeps other than they are wanted, and that are therefore left for a while. Pure. */
import type { DesiredChild } from '#operator/desired/children.ts'
import { agrees, isSealedAlike, sealed } from '#operator/desired/drift.ts'
import { annotationKeys, type Child } from '#operator/desired/labels.ts'
import type { ObservedChild } from '#operator/desired/target.ts'
import { type Facts, findChild } from './facts.ts'
import type { Contested, Plan } from './plan.ts'
import { differences } from './preview/differences.ts'

/** What of a child somebody else keeps; undefined where nobody does. A new wish of ours is written all the same. */
export function contested(
  { kind, object: built, write }: DesiredChild,
  facts: Pick<Facts, 'children' | 'isContested'>,
): Contested | undefined {
  const observed = findChild(facts, kind, built.metadata.name)
  const uid = observed?.metadata.uid
  if (write === 'create' || observed === undefined || uid === undefined || !facts.isContested(uid))
    return undefined
  const object = sealed(built)
  return isSealedAlike(object, observed) && !agrees(object, observed)
    ? contestedIn(object, observed)
    : undefined
}

/** At the end of a run: those that were left, and those that were put back in vain. */
export function allContested(plan: Plan, facts: Pick<Facts, 'children' | 'isContested'>): Contested[] {
  const inVain = plan.steps.flatMap(step => {
    if (step.do !== 'apply' || !isInVain(step, facts)) return []
    const observed = findChild(facts, step.object.kind, step.object.metadata.name)
    return observed === undefined ? [] : [contestedIn(step.object, observed)]
  })
  return [...plan.contested, ...inVain]
}

/** Whether this step put back what is held by now: nothing follows from it. */
export const isInVain = (
  { restores, uid }: { restores?: true; uid?: string },
  facts: Pick<Facts, 'isContested'>,
): boolean => restores === true && uid !== undefined && facts.isContested(uid)

/** Whether it was stored with other values than it was sent with: what rewrites it does so on its way, each time. */
export const isRewritten = (sent: Child, stored: ObservedChild): boolean =>
  sent.metadata.annotations?.[annotationKeys.desired] !== undefined && !agrees(sent, stored)

const contestedIn = (object: Child, observed: ObservedChild): Contested => ({
  kind: object.kind,
  name: object.metadata.name,
  fields: differences(observed, object),
})
