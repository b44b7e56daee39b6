/** Where pods of backups run. */
import type { V1Affinity } from '@kubernetes/client-node'
import { labelKeys } from '../labels.ts'

/** On the node of that pod of a StatefulSet. */
export const beside = (owner: string, pod: string): V1Affinity => ({
  podAffinity: {
    requiredDuringSchedulingIgnoredDuringExecution: [
      {
        topologyKey: 'kubernetes.io/hostname',
        labelSelector: {
          matchLabels: { [labelKeys.instance]: owner, 'statefulset.kubernetes.io/pod-name': pod },
        },
      },
    ],
  },
})
