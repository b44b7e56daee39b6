/** Which DataServices a change of a class concerns. Pure. */
import type { DataServiceClass } from '#crds/v1alpha1/class.ts'
import type { DataService } from '#crds/v1alpha1/resource.ts'
import type { Change } from '#operator/cluster/port.ts'
import { classNameOf, isDefault } from '#operator/desired/class-choice.ts'
import { canonicalText } from '#operator/desired/hash.ts'

/**
 * Those that name it or got it, when what it says changes; and when it becomes or ceases to be a default class, those
 * that name none. A change of its labels or of a note concerns nobody.
 */
export function usersOf(change: Change<DataServiceClass>, owners: readonly DataService[]): DataService[] {
  const { object } = change
  const old = change.kind === 'updated' ? change.old : undefined
  const saysOther = old === undefined || canonicalText(old.spec) !== canonicalText(object.spec)
  const marks = old === undefined ? isDefault(object) : isDefault(old) !== isDefault(object)
  if (!saysOther && !marks) return []
  return owners.filter(
    owner =>
      (saysOther && classNameOf(owner) === object.metadata.name) ||
      (marks && owner.spec.className === undefined),
  )
}
