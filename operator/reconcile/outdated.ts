/**
 * Which states of DataServices had their status replaced by this process since. What the status keeps (numbers, times)
 * would be lost if it were derived from them again; the watch brings the newer one in a moment.
 */
import type { DataService } from '#crds/v1alpha1/resource.ts'
import type { ObjectStore } from '#operator/cluster/port.ts'

/** resourceVersion by uid, for each copy. */
const outdated = new WeakMap<ObjectStore<DataService>, Map<string, string | undefined>>()
/** A copy that is so far behind is about to be read anew. */
const mostOutdated = 10_000

/** Whether this state was seen before the status that was written last. */
export function isOutdated(copy: ObjectStore<DataService>, { metadata }: DataService): boolean {
  const { uid, resourceVersion } = metadata
  const known = outdated.get(copy)
  if (known?.has(uid) !== true) return false
  if (known.get(uid) === resourceVersion) return true
  known.delete(uid)
  return false
}

export function noteOutdated(copy: ObjectStore<DataService>, { metadata }: DataService): void {
  const known = outdated.get(copy) ?? new Map<string, string | undefined>()
  outdated.set(copy, known.set(metadata.uid, metadata.resourceVersion))
  const [oldest] = known.keys()
  if (known.size > mostOutdated && oldest !== undefined) known.delete(oldest)
}
