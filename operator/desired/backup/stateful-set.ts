/** StatefulSet `NAME-backup`: one pod that archives what Postgres writes, on a volume of its own. */
import type { V1StatefulSet } from '@kubernetes/client-node'
import { configPath } from '../engines/engine.ts'
import { type Child, ownedMetadata, selectorLabels } from '../labels.ts'
import { backupName } from '../names.ts'
import { claimPolicy, claimTemplates, pinnedFields } from '../stateful-set.ts'
import type { Target } from '../target.ts'
import { beside } from './beside.ts'
import { backupPod, restoredPod } from './pods.ts'

export function backupStatefulSet(target: Target): Child<V1StatefulSet> | undefined {
  const { owner, effective, asleep } = target
  const { backup } = effective
  const name = backupName(owner.metadata.name)
  const observed = target.observed('StatefulSet', name)
  if (backup === undefined || (asleep.has('postgres') && observed === undefined)) return undefined
  const pinned = {
    serviceName: name,
    podManagementPolicy: 'Parallel',
    selector: { matchLabels: selectorLabels(owner.metadata.name, 'backup') },
    ...claimTemplates(owner, 'backup', backup.storage),
  }
  return {
    apiVersion: 'apps/v1',
    kind: 'StatefulSet',
    metadata: ownedMetadata(owner, name, 'backup'),
    spec: {
      replicas: asleep.has('postgres') ? 0 : 1,
      updateStrategy: { type: 'RollingUpdate' },
      ...claimPolicy(owner, 'backup'),
      template: backupPod(target, {
        script: 'receive.sh',
        component: 'backup',
        // A restore mounts both volumes at once, so they have to be where one node reaches them.
        spec: { affinity: beside(owner.metadata.name, restoredPod(owner.metadata.name)) },
        container: {
          readinessProbe: {
            exec: { command: ['sh', `${configPath}/ready.sh`] },
            periodSeconds: 10,
            timeoutSeconds: 8,
            failureThreshold: 3,
          },
        },
      }),
      ...pinnedFields(pinned, observed),
    },
  }
}
