/** Which steps of a decision wait while a DataService keeps its pods. Pure. */
import { type Child, labelKeys } from '#operator/desired/labels.ts'
import type { Step } from '../plan.ts'

/** Their change restarts pods, now or when they start the next time. */
const kinds: ReadonlySet<string> = new Set(['ConfigMap', 'StatefulSet', 'Deployment', 'CronJob'])

/** A Job that moves tables on; others may run at any time. */
const isMigration = ({ kind, metadata }: Child): boolean =>
  kind === 'Job' && metadata.labels[labelKeys.component] === 'migrate'

/**
 * What others changed is put back and what is missing is made all the same, in the newest form: there are no pods of it
 * that could go on.
 */
export function restartsPods(step: Step): boolean {
  switch (step.do) {
    case 'apply':
      return kinds.has(step.object.kind) && step.uid !== undefined && step.restores !== true
    case 'create':
      return isMigration(step.object)
    case 'remove':
      return kinds.has(step.kind)
    case 'grow': // the StatefulSet is made anew, in its newest form
      return true
    case 'hold':
    case 'certify': // pods follow a Secret while they run
    case 'scale':
    case 'elect':
    case 'replicate':
    case 'topics':
    case 'access':
      return false
    default:
      return step satisfies never
  }
}
