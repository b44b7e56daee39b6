/** Which pods of Postgres are replicas: a label, because a Service can only pick by labels. Pure. */
import { primaryFile } from '#operator/desired/engines/engine.ts'
import { type Child, labelKeys } from '#operator/desired/labels.ts'
import { engineConfigName, postgresPod } from '#operator/desired/names.ts'
import type { ObservedChild } from '#operator/desired/target.ts'
import { type Facts, findChild } from './facts.ts'

export interface RoleLabel {
  /** Only the label; applied, it leaves the rest of the pod as it is. */
  object: Child
  uid: string
}

type Known = Pick<Facts, 'owner' | 'target' | 'pods' | 'children'>

/**
 * Pods whose label is missing or wrong; one that was the primary keeps it until it has ended. Who is to be it gets the
 * label once the files say so: the kubelet looks at the files of a pod when the pod changes, and else once in a minute.
 */
export function roleLabels(known: Known): RoleLabel[] {
  if (known.target.effective.instances === 1) return []
  const { namespace } = known.owner.metadata
  const primary = primaryPod(known)
  return postgresPods(known).flatMap(({ metadata: { name, uid, labels } }) => {
    const role = name === primary ? 'primary' : 'replica'
    if (uid === undefined || labels[labelKeys.role] === role || labels[labelKeys.role] === 'primary')
      return []
    if (name === primary && !filesNamePrimary(known)) return []
    const object = {
      apiVersion: 'v1',
      kind: 'Pod',
      metadata: { name, namespace, labels: { [labelKeys.role]: role } },
    }
    return [{ object, uid }]
  })
}

/** Whether the files of the pods name who is recorded as the primary. */
export function filesNamePrimary({ owner, target, children }: Omit<Known, 'pods'>): boolean {
  const config = findChild({ children }, 'ConfigMap', engineConfigName(owner.metadata.name, 'postgres'))
  return config?.data?.[primaryFile] === `${target.initialisation.primary}\n`
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
