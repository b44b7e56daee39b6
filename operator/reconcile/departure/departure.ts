/** What is due for a DataService that is being deleted and is held by us. Pure. */
import { leavingParts } from '#operator/desired/deletion-policy.ts'
import { knownElsewhere, takenAway, takesAway } from '#operator/desired/elsewhere.ts'
import type { Child } from '#operator/desired/labels.ts'
import { removeName } from '#operator/desired/names.ts'
import { removalObjects } from '#operator/desired/remove-job.ts'
import { type Facts, findChild } from '#operator/reconcile/facts.ts'
import { lastWordsOf } from '#operator/reconcile/last-words.ts'
import { jobEnd } from '#operator/reconcile/progress.ts'

export type Departure =
  | { do: 'begin'; objects: readonly Child[] }
  | { do: 'wait'; forMs: number }
  /** It is let go. `leftBehind`: in words, what is still there and why. */
  | { do: 'end'; leftBehind?: string }

/** A deletion never hangs on an engine: after that it is told what is left. */
export const patienceMs = 60_000

export function departure(facts: Facts, now: Date): Departure {
  const { owner, target, block } = facts
  const isHidden = block?.hidesPlace === true
  const isOver = isHidden ? leavingParts(owner.spec).length === 0 : !takesAway(target)
  if (isOver) return { do: 'end' }
  const job = findChild(facts, 'Job', removeName(owner.metadata))
  if (job === undefined && !isHidden) return { do: 'begin', objects: removalObjects(target) }
  if (job !== undefined && jobEnd(job)?.succeeded === true) return { do: 'end' }
  const began = job?.metadata.creationTimestamp ?? owner.metadata.deletionTimestamp ?? now.toISOString()
  const since = now.getTime() - Date.parse(began)
  if (since < patienceMs) return { do: 'wait', forMs: patienceMs - since }
  const words = lastWordsOf(facts.pods, 'remove', { readyAgain: 'still' })?.text
  const why = words ?? (isHidden ? block.message : 'no pod could do it within a minute')
  return { do: 'end', leftBehind: leftBehind(facts, why) }
}

/** Names what is there, so that a person can take it away. */
export function leftBehind({ target, block }: Pick<Facts, 'target' | 'block'>, why: string): string {
  const left =
    block?.hidesPlace === true ? knownElsewhere(target, leavingParts(target.owner.spec)) : takenAway(target)
  const what = left.length > 0 ? left.join('; and ') : 'what this DataService has at engines of others'
  return `left behind: ${what}. Take it away there. It was not done here, because: ${why}`
}
