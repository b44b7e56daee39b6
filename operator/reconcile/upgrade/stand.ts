/** Where a DataService stands when the operator is newer than its pods. Pure. */
import type { DataService } from '#crds/v1alpha1/resource.ts'
import type { Images } from '#operator/desired/effective.ts'
import { contentHash } from '#operator/desired/hash.ts'
import type { Target } from '#operator/desired/target.ts'

export type Stand =
  /** Its pods are of the operator's revision, or there are none yet. */
  | 'current'
  /** Its turn has come, and its pods may restart. */
  | 'rolling'
  /** Its pods stay as they are until its turn comes. */
  | 'due'
  /** Its pods stay as they are until `spec.operatorRevision` lets it go. */
  | 'pinned'

/** What decides how children look beside their spec and class: the operator's version and the images that it gives. */
export const revisionOf = (version: string, images: Images): string => `${version}-${contentHash(images)}`

export function standOf({ spec, status }: DataService, revision: string): Stand {
  if (status?.observedGeneration === undefined || status.revision === revision) return 'current'
  if (status.upgrade?.phase === 'Rolling') return 'rolling'
  const { operatorRevision: pin } = spec
  return pin !== undefined && pin !== revision ? 'pinned' : 'due'
}

/** Pods of a service that goes to sleep, is put back to an older state or wakes end anyway. */
export const keepsPods = ({ stand, target }: { stand: Stand; target: Pick<Target, 'asleep'> }): boolean =>
  (stand === 'due' || stand === 'pinned') && target.asleep.size === 0
