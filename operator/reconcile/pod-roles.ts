/** Which pods of Postgres are replicas: a label, because a Service can only pick by labels. Pure. */
import { type Child, labelKeys } from '#operator/desired/labels.ts'
import { partName } from '#operator/desired/names.ts'
import type { Facts } from './facts.ts'

export interface RoleLabel {
  /** Only the label; applied, it leaves the rest of the pod as it is. */
  object: Child
  uid: string
}

/** Pods whose label is missing or wrong. Pod 0 is the primary. */
export function roleLabels({ owner, target, pods }: Pick<Facts, 'owner' | 'target' | 'pods'>): RoleLabel[] {
  if (target.effective.instances === 1) return []
  const { name: ownerName, namespace } = owner.metadata
  const primary = `${partName(ownerName, 'postgres')}-0`
  return pods.flatMap(({ metadata }) => {
    const { name, uid, labels } = metadata
    const role = name === primary ? 'primary' : 'replica'
    if (uid === undefined || labels[labelKeys.component] !== 'postgres' || labels[labelKeys.role] === role)
      return []
    const object = {
      apiVersion: 'v1',
      kind: 'Pod',
      metadata: { name, namespace, labels: { [labelKeys.role]: role } },
    }
    return [{ object, uid }]
  })
}
