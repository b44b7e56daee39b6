/** Which operation of a DataService is under way, and whether its Job is due. Follows from what is there. Pure. */
import { isOver, type Operation } from '#crds/v1alpha1/operation.ts'
import { backupName } from '#operator/desired/names.ts'
import type { ObservedChild, OperationAtWork } from '#operator/desired/target.ts'
import { type Facts, findChild } from '../facts.ts'
import type { Gates } from '../gates.ts'
import { isGone, podsOf } from '../lifecycle/asleep.ts'
import { hibernates } from '../lifecycle/hibernates.ts'
import { answers, hasEnded, isGoing, podProgress } from '../progress.ts'
import { isReplaced, isRestoring, jobOf, type KnownOperation, restoringPods } from './restoring.ts'

/** Operations that ended and are kept for each DataService. */
export const keptOperations = 50

type Reached = Pick<Gates, 'databaseAnswers'>

/** In the order in which they are done. */
export const inOrder = (operations: readonly Operation[]): Operation[] =>
  operations.toSorted(
    (left, right) =>
      (left.metadata.creationTimestamp ?? '').localeCompare(right.metadata.creationTimestamp ?? '') ||
      left.metadata.name.localeCompare(right.metadata.name),
  )

/** The first that is not over; one that is cancelled makes room as soon as its status says so. */
export const nextOperation = (operations: readonly Operation[]): Operation | undefined =>
  inOrder(operations).find(operation => !isOver(operation))

/** Why its Job cannot begin yet; undefined when it can. */
export function obstacle(known: KnownOperation, gates: Reached): string | undefined {
  const { owner, operation } = known
  if (hibernates(owner))
    return `DataService ${owner.metadata.name} hibernates: it begins when that runs again`
  if (operation?.spec.type === 'Promote') return undefined
  return operation?.spec.type === 'Restore' ? stillUsed(known) : unarchived(known, gates)
}

function unarchived(known: KnownOperation, { databaseAnswers }: Reached): string | undefined {
  if (!databaseAnswers) return 'Postgres does not answer yet'
  const archive = findChild(known, 'StatefulSet', backupName(known.owner.metadata.name))
  if (!answers(archive)) return 'the archive is not ready yet; the condition BackupReady tells why'
  return undefined
}

/** Nobody may have one of the two volumes open. */
function stillUsed(known: KnownOperation): string | undefined {
  const archive = findChild(known, 'StatefulSet', backupName(known.owner.metadata.name))
  if (archive === undefined || !isRestoring(known)) return 'Postgres and its archive are not made yet'
  const archivers = [...podsOf('backup', known), ...podsOf('backup-s3', known)]
  const pods = [...archivers, ...copyingPods(known), ...restoringPods(known)]
  const isArchiving = podProgress(archive).wanted > 0 || pods.length > 0
  if (isGone('postgres', known) && !isArchiving) return undefined
  return (
    'writer, reader, Redis, Postgres and the archive end one after the other; what is accepted meanwhile waits in the ' +
    'log'
  )
}

const copyingPods = (known: Pick<Facts, 'pods'>): ObservedChild[] =>
  podsOf('backup-job', known).filter(pod => !hasEnded(pod))

/**
 * Jobs of copies by schedule that a restore does not wait for: it may take hours until a copy is proved, and one is made
 * anyway when it is over. Another controller makes them, so they are found by their pods.
 */
export function overtakenCopies(known: KnownOperation): Pick<ObservedChild, 'kind' | 'metadata'>[] {
  if (!isRestoring(known)) return []
  const bySchedule = new RegExp(`^${backupName(known.owner.metadata.name)}-\\d+$`)
  return copyingPods(known)
    .filter(pod => !isGoing(pod))
    .flatMap(({ metadata }) =>
      (metadata.ownerReferences ?? [])
        .filter(({ kind, controller, name }) => controller && kind === 'Job' && bySchedule.test(name))
        .map(({ kind, name, uid }) => ({ kind, metadata: { ...metadata, name, uid } })),
    )
}

export function operationAtWork(known: KnownOperation, gates: Reached): OperationAtWork | undefined {
  const { operation, target } = known
  if (operation === undefined || target.effective.backup === undefined) return undefined
  if (operation.spec.type === 'Promote') return undefined
  if (isGivenUp(operation, known)) return undefined
  const { type, restore = {} } = operation.spec
  const isJobDue = jobOf(operation, known) !== undefined || obstacle(known, gates) === undefined
  return { uid: operation.metadata.uid, type, restore, isJobDue }
}

/** It comes too late when the data is replaced, or another primary was chosen. */
export const isGivenUp = (operation: Operation, known: Pick<Facts, 'owner' | 'children' | 'pods'>): boolean =>
  operation.spec.cancel &&
  operation.status?.promote === undefined &&
  !(operation.spec.type === 'Restore' && isReplaced(operation, known))

/** The oldest of those that ended, beyond what is kept. */
export function forgottenOperations(operations: readonly Operation[]): Operation[] {
  const over = inOrder(operations).filter(isOver)
  return over.slice(0, Math.max(0, over.length - keptOperations))
}
