/**
 * A drain may take one pod of a part at a time. A broker is ready before it has caught up, so none that has everything may
 * go until then; one that is not ready serves nobody, and keeps no drain waiting.
 */
import type { V1PodDisruptionBudget } from '@kubernetes/client-node'
import { type Child, ownedMetadata, selectorLabels } from './labels.ts'
import { type Part, partName } from './names.ts'
import type { Target } from './target.ts'

export function podDisruptionBudget({ owner, isLogThin }: Target, part: Part): Child<V1PodDisruptionBudget> {
  const { name } = owner.metadata
  const allowed =
    part === 'kafka' && isLogThin
      ? { maxUnavailable: 0, unhealthyPodEvictionPolicy: 'AlwaysAllow' }
      : { maxUnavailable: 1 }
  return {
    apiVersion: 'policy/v1',
    kind: 'PodDisruptionBudget',
    metadata: ownedMetadata(owner, partName(name, part), part),
    spec: { ...allowed, selector: { matchLabels: selectorLabels(name, part) } },
  }
}
