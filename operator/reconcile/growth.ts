/** Volumes that should be larger than they were made. Pure. A StatefulSet's claim templates cannot change in place. */
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
      pods: engines[part].pods(facts.target.effective),
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
  const storage = ['spec', 'resources', 'requests', 'storage'].reduce<unknown>(
    (value, field) => (isPlainObject(value) ? value[field] : undefined),
    template,
  )
  return typeof storage === 'string' ? storage : undefined
}
