/** Which steps of a decision wait while a DataService keeps its pods. Pure. */
import type { Step } from '../plan.ts'

/** Their change restarts pods, or moves tables on. */
const kinds: ReadonlySet<string> = new Set(['ConfigMap', 'StatefulSet', 'Deployment', 'Job', 'CronJob'])

/**
 * What others changed is put back and what is missing is made all the same, in the newest form: there are no pods of it
 * that could go on.
 */
export function restartsPods(step: Step): boolean {
  switch (step.do) {
    case 'apply':
      return kinds.has(step.object.kind) && step.uid !== undefined && step.restores !== true
    case 'create':
      return kinds.has(step.object.kind)
    case 'remove':
      return kinds.has(step.kind)
    case 'grow': // the StatefulSet is made anew, in its newest form
      return true
    case 'scale':
    case 'topics':
      return false
    default:
      return step satisfies never
  }
}
