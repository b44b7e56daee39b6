/** A drain may take one pod of a part at a time. */
import type { V1PodDisruptionBudget } from '@kubernetes/client-node'
import { type Child, ownedMetadata, selectorLabels } from './labels.ts'
import { type Part, partName } from './names.ts'
import type { Target } from './target.ts'

export function podDisruptionBudget({ owner }: Target, part: Part): Child<V1PodDisruptionBudget> {
  const { name } = owner.metadata
  return {
    apiVersion: 'policy/v1',
    kind: 'PodDisruptionBudget',
    metadata: ownedMetadata(owner, partName(name, part), part),
    spec: { maxUnavailable: 1, selector: { matchLabels: selectorLabels(name, part) } },
  }
}
