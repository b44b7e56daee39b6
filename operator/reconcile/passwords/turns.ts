/**
 * Which passwords there are. Pure. What was begun and what is over stands on the identity Secret, which outlives
 * the DataService with the database; all else follows from what is seen. A turn has three steps:
 *
 * - its users are let in beside those before, and pods move to them, as for any change of theirs
 * - as soon as nothing has the passwords before, their users are shut out
 * - when a Job has seen that they are, their Secret goes, and the turn is done
 */
import { annotationKeys } from '#operator/desired/labels.ts'
import { identityName, partName, passwordsName, retireName } from '#operator/desired/names.ts'
import { passwordsOf } from '#operator/desired/secrets.ts'
import type { Passwords, Target } from '#operator/desired/target.ts'
import { type Facts, findChild } from '../facts.ts'
import { hibernates } from '../lifecycle/hibernates.ts'
import type { Step } from '../plan.ts'
import { isRolledOut, jobEnd, podProgress } from '../progress.ts'
import { isMounted, isUsed } from './mounted.ts'

type Known = Pick<Facts, 'owner' | 'secrets'>
export type Seen = Known &
  Pick<Facts, 'children' | 'pods' | 'operation' | 'stand'> &
  Pick<Target, 'effective'>

/** What the identity Secret says; one that says nothing knows the first turn. */
function recordedPasswords({ owner, secrets }: Known): Omit<Passwords, 'open'> {
  const annotations = secrets.get(identityName(owner.metadata.name))?.annotations
  const turn = turnIn(annotations?.[annotationKeys.passwordTurn])
  const rotated = annotations?.[annotationKeys.passwordsRotated]
  return {
    turn,
    done: Math.min(turn, turnIn(annotations?.[annotationKeys.passwordsDone])),
    ...(rotated !== undefined && { rotated }),
  }
}

const turnIn = (text = ''): number => (/^[1-9]\d{0,5}$/.test(text) ? Number(text) : 1)

/** What is to be written there. */
export const passwordMarks = ({ turn, done, rotated }: Passwords): Record<string, string> => ({
  ...(turn > 1 && { [annotationKeys.passwordTurn]: String(turn) }),
  ...(done > 1 && { [annotationKeys.passwordsDone]: String(done) }),
  ...(rotated !== undefined && { [annotationKeys.passwordsRotated]: rotated }),
})

/** Secrets of later turns that may be there and matter now. */
export function passwordSecrets(known: Known): string[] {
  const { turn, done } = recordedPasswords(known)
  const { name } = known.owner.metadata
  const turns = done < turn ? [turn - 1, turn] : [turn]
  return turns.filter(each => each > 1).map(each => passwordsOf(name, each))
}

export function decidedPasswords(seen: Seen): Passwords {
  const before = recordedPasswords(seen)
  const { turn, done } = before
  const wish = askedOf(seen)
  // Those that are about to be made are new.
  if (isFirstRun(seen)) return { ...before, open: [turn], ...(wish !== undefined && { rotated: wish }) }
  if (done < turn) {
    if (isUsed(turn - 1, seen)) return { ...before, open: [turn - 1, turn] }
    return { ...before, open: [turn], done: isShutOut(turn, seen) ? turn : done }
  }
  if (wish === undefined || whyNotNow(seen) !== undefined) return { ...before, open: [turn] }
  return { turn: turn + 1, open: [turn, turn + 1], done, rotated: wish }
}

const isFirstRun = ({ owner, secrets }: Known): boolean => !secrets.has(identityName(owner.metadata.name))

/** The Job has seen it, and the passwords are gone. */
function isShutOut(turn: number, { owner, children, secrets }: Seen): boolean {
  const { name } = owner.metadata
  const isGone = turn - 1 === 1 || !secrets.has(passwordsOf(name, turn - 1))
  return isGone && hasRetired(turn, { owner, children })
}

function hasRetired(turn: number, { owner, children }: Pick<Facts, 'owner' | 'children'>): boolean {
  const job = findChild({ children }, 'Job', retireName(owner.metadata.name, turn))
  return job !== undefined && jobEnd(job)?.succeeded === true
}

/** A wish that no turn obeys yet. */
function askedOf(known: Known): string | undefined {
  const asked = known.owner.metadata.annotations?.[annotationKeys.rotatePasswords]
  return asked === recordedPasswords(known).rotated ? undefined : asked
}

/** Why a wish is not obeyed now; undefined: it is, or there is none. */
export function waitingWish(seen: Seen): WhyNot | undefined {
  const { turn, done } = recordedPasswords(seen)
  return !isFirstRun(seen) && done === turn && askedOf(seen) !== undefined ? whyNotNow(seen) : undefined
}

interface WhyNot {
  reason: 'PasswordsElsewhere' | 'PasswordsWaiting'
  text: string
}

/** Postgres has to run, by scripts that follow passwords, and nothing else may be going on. */
function whyNotNow(seen: Seen): WhyNot | undefined {
  const { owner, effective, operation, stand, children } = seen
  if (effective.providers.postgres !== 'managed')
    return {
      reason: 'PasswordsElsewhere',
      text:
        'the operator changes passwords only of a Postgres that it runs itself (postgres.managed): remove the annotation ' +
        `${annotationKeys.rotatePasswords}`,
    }
  const waits = (text: string): WhyNot => ({ reason: 'PasswordsWaiting', text: `it begins when ${text}` })
  if (hibernates(owner)) return waits('the DataService is awake')
  if (operation !== undefined) return waits(`DataServiceOperation ${operation.metadata.name} is over`)
  if (stand !== 'current') return waits('the pods are those of this operator (condition Upgraded)')
  const name = partName(owner.metadata.name, 'postgres')
  const set = findChild({ children }, 'StatefulSet', name)
  if (set === undefined || !isRolledOut(podProgress(set)) || !isMounted(set, followed(owner)))
    return waits(`all pods of StatefulSet ${name} are ready`)
  return undefined
}

/** Its pods look at both. */
const followed = ({ metadata }: Facts['owner']): string => passwordsName(metadata.name, 1)

/** The passwords of a turn whose users are shut out go. */
export function retiredSecrets({ owner, target, children, secrets }: Facts): Step[] {
  const { turn, open } = target.passwords
  const name = passwordsOf(owner.metadata.name, turn - 1)
  const { uid } = secrets.get(name) ?? {}
  const isDue = turn > 2 && open.length === 1 && hasRetired(turn, { owner, children })
  if (!isDue || uid === undefined) return []
  return [{ do: 'remove', kind: 'Secret', namespace: owner.metadata.namespace, name, uid }]
}

/** Secrets send no events: what a turn does to them is looked at soon. */
export function movesPasswords({ target: { passwords } }: Pick<Facts, 'target'>): boolean {
  return passwords.done < passwords.turn
}
