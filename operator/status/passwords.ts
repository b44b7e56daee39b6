/** The condition `PasswordsRotated`: how far other passwords are. Pure. */
import { annotationKeys } from '#operator/desired/labels.ts'
import { retireName } from '#operator/desired/names.ts'
import type { Facts } from '#operator/reconcile/facts.ts'
import { waitingWish } from '#operator/reconcile/passwords/turns.ts'
import { type Finding, fails, holds } from './conditions.ts'

/** None while nobody has asked for any. */
export function passwordsRotated(facts: Facts): Finding[] {
  const { owner, target } = facts
  const { turn, open, done } = target.passwords
  const type = 'PasswordsRotated'
  if (open.length > 1)
    return [
      fails(
        type,
        'PasswordsChanging',
        `passwords ${turn} open the engines beside passwords ${turn - 1}, until no pod has those any more`,
      ),
    ]
  if (done < turn)
    return [
      fails(
        type,
        'PasswordsClosing',
        `all pods have passwords ${turn}; Job ${retireName(owner.metadata.name, turn)} waits until passwords ` +
          `${turn - 1} open nothing`,
      ),
    ]
  const wish = waitingWish({ ...facts, effective: target.effective })
  if (wish !== undefined) return [fails(type, wish.reason, wish.text)]
  const isAsked = owner.metadata.annotations?.[annotationKeys.rotatePasswords] !== undefined
  return isAsked
    ? [holds(type, 'PasswordsNew', `passwords ${turn} open the engines, and no earlier ones`)]
    : []
}
