/** Whether records still come through a service whose pods are new. Pure. */
import type { Facts } from '../facts.ts'

type Seen = Pick<Facts, 'owner' | 'endToEnd'>

/** Conditions tell whole seconds. */
const stampMs = 1_000

/** Probe records come through. */
export const isPassing = ({ endToEnd }: Pick<Facts, 'endToEnd'>): boolean =>
  endToEnd.kind === 'told' && endToEnd.told.brokenAt === undefined

/**
 * A probe record has come through that was sent since the service is Ready, by what its status said before this run.
 * Readers of an older version do not tell when: then what they tell has to do.
 */
export function isProven({ owner, endToEnd }: Seen, now: Date): boolean {
  const ready = owner.status?.conditions?.find(({ type }) => type === 'Ready')
  if (ready?.status !== 'True' || endToEnd.kind !== 'told' || endToEnd.told.brokenAt !== undefined)
    return false
  const { passedAgoMs = 0 } = endToEnd.told
  return now.getTime() - passedAgoMs >= Date.parse(ready.lastTransitionTime) + stampMs
}
