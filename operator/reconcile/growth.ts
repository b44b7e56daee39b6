/** Volumes that should be larger than they were made. Pure. A StatefulSet's claim templates cannot change in place. */
import { mostInstances } from '#crds/v1alpha1/built-in.ts'
import { engines } from '#operator/desired/engines/engines.ts'
import { isPlainObject } from '#operator/desired/hash.ts'
import { backupName, dataParts, partName } from '#operator/desired/names.ts'
import { quantityValue } from '#operator/desired/quantity.ts'
import type { ObservedChild } from '#operator/desired/target.ts'
import { type Facts, findChild } from './facts.ts'
import { podProgress } from './progress.ts'

/** The claims are enlarged first, then the StatefulSet is removed without its pods; the next run applies it anew. */
export interface Growth {
  namespace: string
  statefulSet: string
  uid: string
  claims: readonly string[]
  size: string
}

export function growths(facts: Facts): Growth[] {
  const { namespace, name: owner } = facts.owner.metadata
  const { storage, backup } = facts.target.effective
  const wanted = [
    ...dataParts.map(part => ({
      name: partName(owner, part),
      size: storage[part].size,
      // A replica that went has left its volume, and may come back to it.
      pods: part === 'postgres' ? mostInstances : engines[part].pods(facts.target.effective),
    })),
    ...(backup === undefined ? [] : [{ name: backupName(owner), size: backup.storage.size, pods: 1 }]),
  ]
  return wanted.flatMap(({ name, size, pods: most }) => {
    const set = findChild(facts, 'StatefulSet', name)
    const made = set === undefined ? undefined : claimSize(set)
    const uid = set?.metadata.uid
    if (
      set === undefined ||
      uid === undefined ||
      made === undefined ||
      (quantityValue(size) ?? 0) <= (quantityValue(made) ?? 0)
    )
      return []
    // A set that sleeps has volumes and no pods.
    const pods = Math.max(podProgress(set).wanted, most)
    const claims = Array.from({ length: pods }, (_, ordinal) => `data-${name}-${ordinal}`)
    return [{ namespace, statefulSet: name, uid, claims, size }]
  })
}

/** Size in the first claim template; ours have one. */
function claimSize(set: ObservedChild): string | undefined {
  const templates = set.spec?.['volumeClaimTemplates']
  const template: unknown = Array.isArray(templates) ? templates[0] : undefined
  return isPlainObject(template) ? requestedStorage(template['spec']) : undefined
}

/** Of the spec of a claim. */
export function requestedStorage(spec: unknown): string | undefined {
  const storage = ['resources', 'requests', 'storage'].reduce<unknown>(
    (value, field) => (isPlainObject(value) ? value[field] : undefined),
    spec,
  )
  return typeof storage === 'string' ? storage : undefined
}
