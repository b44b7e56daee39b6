/**
 * A drain may take one pod of a part at a time. A broker is ready before it has caught up, so none that has everything may
 * go until then. A pod that is not ready serves nobody, and its data is on its volume: it keeps no drain waiting. By
 * default one that never becomes ready would, for ever.
 */
import type { V1PodDisruptionBudget } from '@kubernetes/client-node'
import { type Child, ownedMetadata, selectorLabels } from './labels.ts'
import { type Part, partName } from './names.ts'
import type { Target } from './target.ts'

export function podDisruptionBudget({ owner, isLogThin }: Target, part: Part): Child<V1PodDisruptionBudget> {
  const { name } = owner.metadata
  const maxUnavailable = part === 'kafka' && isLogThin ? 0 : 1
  const selector = { matchLabels: selectorLabels(name, part) }
  return {
    apiVersion: 'policy/v1',
    kind: 'PodDisruptionBudget',
    metadata: ownedMetadata(owner, partName(name, part), part),
    spec: { maxUnavailable, unhealthyPodEvictionPolicy: 'AlwaysAllow', selector },
  }
}
