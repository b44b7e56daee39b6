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
  return ready?.status === 'True' && hasPassedSince(Date.parse(ready.lastTransitionTime), { endToEnd }, now)
}

/** They come through, and one of them was sent later than in the second of this time (milliseconds since 1970). */
export function hasPassedSince(time: number, { endToEnd }: Pick<Facts, 'endToEnd'>, now: Date): boolean {
  if (endToEnd.kind !== 'told' || endToEnd.told.brokenAt !== undefined) return false
  const { passedAgoMs = 0 } = endToEnd.told
  return now.getTime() - passedAgoMs >= time + stampMs
}
