/** Whether a database is being replaced now. Follows from the operation and its Job. Pure. */
import type { Operation } from '#crds/v1alpha1/operation.ts'
import { labelKeys } from '#operator/desired/labels.ts'
import { backupName, operationJobName, partName } from '#operator/desired/names.ts'
import type { ObservedChild, Target } from '#operator/desired/target.ts'
import { type Facts, findChild } from '../facts.ts'
import { hibernates } from '../lifecycle/hibernates.ts'
import { hasEnded, jobEnd, podProgress } from '../progress.ts'

export type KnownOperation = Pick<Facts, 'owner' | 'children' | 'pods' | 'operation'> & {
  target: Pick<Target, 'effective'>
}

/** The Job of an operation, once it is made. */
export const jobOf = (
  operation: Operation,
  { owner, children }: Pick<Facts, 'owner' | 'children'>,
): ObservedChild | undefined =>
  findChild({ children }, 'Job', operationJobName(owner.metadata.name, operation.metadata.uid))

/** The data is the restored one. From then on the operation cannot be given up any more. */
export function isReplaced(operation: Operation, known: Pick<Facts, 'owner' | 'children' | 'pods'>): boolean {
  const job = jobOf(operation, known)
  if (operation.status?.restore !== undefined) return true
  return job !== undefined && (jobEnd(job)?.succeeded === true || hasDone(job, known))
}

/** A Job tells of its end a moment after its pod does. */
const hasDone = ({ metadata: { name } }: ObservedChild, { pods }: Pick<Facts, 'pods'>): boolean =>
  pods.some(
    pod =>
      pod.metadata.labels['batch.kubernetes.io/job-name'] === name && pod.status?.['phase'] === 'Succeeded',
  )

/** From its beginning until the data is replaced, or cannot be: nobody may use the database meanwhile. */
export function isRestoring(known: KnownOperation): boolean {
  const { operation, owner, target } = known
  if (operation?.spec.type !== 'Restore' || operation.spec.cancel) return false
  if (target.effective.backup === undefined || hibernates(owner)) return false
  const job = jobOf(operation, known)
  const isFailed = job !== undefined && jobEnd(job)?.succeeded === false
  return !isFailed && !isReplaced(operation, known) && hasBegun(operation, known)
}

/** Pods that have the volume of Postgres open for a restore, also those of a Job that is gone already. */
export const restoringPods = ({ pods }: Pick<Facts, 'pods'>): ObservedChild[] =>
  pods.filter(pod => pod.metadata.labels[labelKeys.component] === component && !hasEnded(pod))

/** Such a pod is there, or its Job may make one. */
export const mayBeWritten = ({ children, pods }: Pick<Facts, 'children' | 'pods'>): boolean =>
  restoringPods({ pods }).length > 0 ||
  children.some(
    child =>
      child.kind === 'Job' &&
      child.metadata.labels[labelKeys.component] === component &&
      jobEnd(child) === undefined,
  )

const component = 'restore'

/** The volumes are made with the first pods, so a DataService that is new has to have had them. */
function hasBegun({ status }: Operation, { owner, children }: Pick<Facts, 'owner' | 'children'>): boolean {
  if (status?.phase === 'Running') return true
  const { name } = owner.metadata
  return [partName(name, 'postgres'), backupName(name)].every(set => {
    const found = findChild({ children }, 'StatefulSet', set)
    return found !== undefined && podProgress(found).existing > 0
  })
}
