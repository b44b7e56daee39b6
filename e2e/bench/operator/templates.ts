/** The children that ours builds, with words in them that stand for what differs: what the peer makes its own of. */
import { type DesiredChild, desiredChildren } from '#operator/desired/children.ts'
import { sealed } from '#operator/desired/drift.ts'
import type { Child } from '#operator/desired/labels.ts'
import type { ObservedChild } from '#operator/desired/target.ts'
import { dataService } from '#operator/testing/data-service.ts'
import { targetOf } from '#operator/testing/target.ts'

/** As `peers/operator` replaces them. */
export const words = { namespace: 'peer-namespace', name: 'peer-name', uid: 'peer-uid' }
/** Ours sets it by the scale subresource, where an autoscaler may do so, too. */
const pods = 3

/** Of the smallest DataService. */
export function peerTemplates(): DesiredChild[] {
  const service = dataService(each => ({ ...each, metadata: { ...each.metadata, ...words } }))
  return desiredChildren(targetOf(service)).map(child => ({ ...child, object: finished(child) }))
}

function finished({ kind, write, object }: DesiredChild): Child {
  if (write === 'create') return object
  const { spec = {} }: ObservedChild = object
  return sealed(kind === 'Deployment' ? { ...object, spec: { replicas: pods, ...spec } } : object)
}
