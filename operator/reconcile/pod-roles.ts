/** Which pods of Postgres are replicas: a label, because a Service can only pick by labels. Pure. */
import { type Child, labelKeys } from '#operator/desired/labels.ts'
import { postgresPod } from '#operator/desired/names.ts'
import type { ObservedChild } from '#operator/desired/target.ts'
import type { Facts } from './facts.ts'

export interface RoleLabel {
  /** Only the label; applied, it leaves the rest of the pod as it is. */
  object: Child
  uid: string
}

type Known = Pick<Facts, 'owner' | 'target' | 'pods'>

/** Pods whose label is missing or wrong; one that was the primary keeps it until it has ended. */
export function roleLabels(known: Known): RoleLabel[] {
  if (known.target.effective.instances === 1) return []
  const { namespace } = known.owner.metadata
  const primary = primaryPod(known)
  return postgresPods(known).flatMap(({ metadata: { name, uid, labels } }) => {
    const role = name === primary ? 'primary' : 'replica'
    if (uid === undefined || labels[labelKeys.role] === role || labels[labelKeys.role] === 'primary')
      return []
    const object = {
      apiVersion: 'v1',
      kind: 'Pod',
      metadata: { name, namespace, labels: { [labelKeys.role]: role } },
    }
    return [{ object, uid }]
  })
}

/** Pods that were the primary before another one was promoted. They end, and come back as replicas. */
export function formerPrimaries(known: Known): ObservedChild[] {
  const primary = primaryPod(known)
  return postgresPods(known).filter(
    ({ metadata }) => metadata.labels[labelKeys.role] === 'primary' && metadata.name !== primary,
  )
}

const primaryPod = ({ owner, target }: Known): string =>
  postgresPod(owner.metadata.name, target.initialisation.primary)

const postgresPods = ({ pods }: Known): ObservedChild[] =>
  pods.filter(({ metadata }) => metadata.labels[labelKeys.component] === 'postgres')
