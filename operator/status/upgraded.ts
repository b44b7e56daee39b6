/** Condition `Upgraded`, present only while the operator is newer than the pods. Pure. */
import type { Facts } from '#operator/reconcile/facts.ts'
import type { Progress } from '#operator/reconcile/upgrade/upgrade.ts'
import { type Finding, fails } from './conditions.ts'

const type = 'Upgraded'
const listed = 3

export function upgraded(progress: Progress, { owner, revision: to }: Facts): Finding[] {
  const pods = `its pods are of revision ${owner.status?.revision ?? 'an older operator'}`
  switch (progress.kind) {
    case 'reached':
    case 'unknown':
      return []
    case 'granted':
    case 'rolling':
      return [fails(type, 'RollingOut', `its pods become those of revision ${to}`)]
    case 'waiting': {
      const some = progress.inside.slice(0, listed).join(', ')
      const more = progress.inside.length > listed ? ` and ${progress.inside.length - listed} more` : ''
      return [fails(type, 'WaitingForTurn', `${pods} and stay so until ${some}${more} is Ready with ${to}`)]
    }
    case 'pinned':
      return [
        fails(
          type,
          'RevisionPinned',
          `${pods} and stay so, because spec.operatorRevision names another than ${to}: take it out, or set it to ${to}`,
        ),
      ]
    default:
      return progress satisfies never
  }
}
