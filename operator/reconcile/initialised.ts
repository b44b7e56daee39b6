/**
 * Which parts hold data. Pure. It stands on the identity Secret, which outlives the DataService with the volumes: a
 * resource that is created anew must not take a volume that was emptied meanwhile for a first start.
 */

import { annotationKeys } from '#operator/desired/labels.ts'
import { type DataPart, dataParts, identityName, partName } from '#operator/desired/names.ts'
import type { Initialisation } from '#operator/desired/target.ts'
import { engineWorkload } from './engine-workload.ts'
import { type Facts, findChild } from './facts.ts'
import { lastWordsOf } from './last-words.ts'
import { isReplaced } from './operations/restoring.ts'
import { isRolledByUs, isRolledOut, podProgress } from './progress.ts'

export type Seen = Pick<Facts, 'owner' | 'children' | 'pods' | 'secrets' | 'operation'>

/**
 * A part holds data from its first Ready on. The annotation `reinitialise` takes that back for a part whose volume is
 * lost; it counts once, until it is removed and set anew. On a part that is well it is used up without effect, so that
 * it is no blank cheque for a later loss.
 */
export function initialisationOf(seen: Seen): Initialisation {
  const before = recorded(seen)
  const asked = partsIn(seen.owner.metadata.annotations?.[annotationKeys.reinitialise])
  const initialised = new Set<DataPart>()
  const reinitialised = new Set<DataPart>()
  let beginsAnew = before.gone.size > 0
  for (const part of dataParts) {
    const state = { had: before.initialised.has(part), used: before.reinitialised.has(part) }
    const ready = isReady(seen, part)
    const granted = asked.has(part) && !state.used && state.had && !ready && isLost(seen, part)
    beginsAnew ||= granted
    if ((state.had && !granted) || (ready && !(state.used && hasMigration(seen, part)))) initialised.add(part)
    if (asked.has(part) && (state.used || granted || (state.had && ready))) reinitialised.add(part)
  }
  const heldBrokers = initialised.has('kafka') ? brokersThatHeldData(seen) : 0
  const beginnings = before.beginnings + (beginsAnew ? 1 : 0)
  return { initialised, reinitialised, heldBrokers, beginnings, primary: primaryOf(seen) }
}

/** What is recorded, but for an operation that is about to change it: what it says holds until it is recorded. */
function primaryOf(seen: Seen): number {
  const { operation } = seen
  if (operation?.status?.promote !== undefined) return operation.status.promote.instance
  // A restore replaces the volume of the first pod.
  if (operation?.spec.type === 'Restore' && isReplaced(operation, seen)) return 0
  return recordedPrimary(seen)
}

/** What the identity Secret says. */
export function recordedPrimary({ owner, secrets }: Pick<Seen, 'owner' | 'secrets'>): number {
  const annotations = secrets.get(identityName(owner.metadata.name))?.annotations
  const told = annotations?.[annotationKeys.primary] ?? ''
  if (goneWithAnother(owner, annotations).has('postgres')) return 0
  return /^\d$/.test(told) ? Number(told) : 0
}

/**
 * Recorded when all brokers are ready for the first time. Later ones hold data when they have copied it, which their pods do
 * not tell (`isGrown`). Where nothing was recorded yet, the way in which brokers are restarted tells the number.
 */
function brokersThatHeldData(seen: Seen): number {
  const set = kafkaOf(seen)
  const told = Number(
    seen.secrets.get(identityName(seen.owner.metadata.name))?.annotations?.[annotationKeys.heldBrokers],
  )
  if (Number.isInteger(told) && told > 0) return told
  if (set !== undefined && isReady(seen, 'kafka')) return podProgress(set).wanted
  return set !== undefined && !isRolledByUs(set) ? 1 : mostBrokers
}

/** What the identity Secret says. `gone`: parts that held data, which went with the DataService before this one. */
function recorded({ owner, secrets }: Pick<Seen, 'owner' | 'secrets'>) {
  const annotations = secrets.get(identityName(owner.metadata.name))?.annotations
  const initialised = partsIn(annotations?.[annotationKeys.initialised])
  const gone = goneWithAnother(owner, annotations)
  return {
    initialised: new Set([...initialised].filter(part => !gone.has(part))),
    reinitialised: partsIn(annotations?.[annotationKeys.reinitialised]),
    beginnings: countIn(annotations?.[annotationKeys.beginnings]),
    gone,
  }
}

/** Until this DataService has said what goes with it, the Secret tells what went with the one before. */
function goneWithAnother(
  { metadata }: Seen['owner'],
  annotations: Record<string, string> | undefined,
): ReadonlySet<DataPart> {
  const { uid, parts } = leaving(annotations)
  return uid === metadata.uid ? new Set() : parts
}

/** What goes with this DataService by what was marked last. */
export function partsThatLeave({ owner, secrets }: Pick<Seen, 'owner' | 'secrets'>): ReadonlySet<DataPart> {
  const { annotations, ownerReferences } = secrets.get(identityName(owner.metadata.name)) ?? {}
  if (ownerReferences?.some(({ uid }) => uid === owner.metadata.uid)) return new Set(dataParts) // as the Secret itself
  const { uid, parts } = leaving(annotations)
  return uid === owner.metadata.uid ? parts : new Set()
}

function leaving(annotations: Record<string, string> | undefined) {
  const [uid, parts] = (annotations?.[annotationKeys.leavesWith] ?? '').split(' ')
  return { uid, parts: partsIn(parts) }
}

/** `kafka,postgres`: as an annotation holds it; unknown words are left out. */
const partsIn = (text: string | undefined): ReadonlySet<DataPart> =>
  new Set(dataParts.filter(part => (text ?? '').split(',').some(word => word.trim() === part)))

/** What somebody else wrote there counts as nothing: a setting that is no whole number is refused by every pod. */
const countIn = (text = ''): number => (/^[1-9]\d{0,5}$/.test(text) ? Number(text) : 0)

const mostBrokers = 3

const kafkaOf = ({ owner, children }: Seen) =>
  findChild({ children }, 'StatefulSet', partName(owner.metadata.name, 'kafka'))

function isReady(seen: Seen, part: DataPart): boolean {
  const set = engineWorkload(seen, part)
  if (set === undefined) return false
  const progress = podProgress(set)
  return progress.wanted > 0 && isRolledOut(progress)
}

const isLost = (seen: Seen, part: DataPart): boolean =>
  lastWordsOf(seen.pods, part)?.reason === 'VolumeLost' ||
  (seen.owner.status?.providers?.[part] === 'cloudNativePG' && engineWorkload(seen, part) === undefined)

/** The tables that a migration made went with the old volume: until that Job is gone, Postgres holds nothing. */
const hasMigration = ({ children }: Seen, part: DataPart): boolean =>
  part === 'postgres' && children.some(({ kind }) => kind === 'Job')
