/** Our autoscaler of a part, while the spec wants one and nobody else's moves the same pods. */
import type { V2HorizontalPodAutoscaler } from '@kubernetes/client-node'
import { type Child, ownedMetadata } from './labels.ts'
import { type DeployedPart, partName } from './names.ts'
import { podNumbers } from './pod-numbers.ts'
import type { Target } from './target.ts'

export function horizontalPodAutoscaler(
  { owner, effective, foreignAutoscalers }: Target,
  part: DeployedPart,
): Child<V2HorizontalPodAutoscaler> | undefined {
  const wanted = podNumbers(effective.replicas, foreignAutoscalers)[part]
  if (wanted.rule !== 'floor' || owner.spec.lifecycle === 'Hibernated') return undefined
  const name = partName(owner.metadata.name, part)
  return {
    apiVersion: 'autoscaling/v2',
    kind: 'HorizontalPodAutoscaler',
    metadata: ownedMetadata(owner, name, part),
    spec: {
      // The Deployment, not the DataService: `replicas` is the user's word and stays as it was said.
      scaleTargetRef: { apiVersion: 'apps/v1', kind: 'Deployment', name },
      // 0 is not allowed here. At 0 pods it sleeps, and the operator sets and leaves 0 itself.
      minReplicas: Math.max(1, wanted.number),
      maxReplicas: wanted.most,
      metrics: [
        {
          type: 'Resource',
          resource: { name: 'cpu', target: { type: 'Utilization', averageUtilization: wanted.cpuPercent } },
        },
      ],
    },
  }
}
