/** The Job of the operation that is under way. Its name follows from the operation, so that it is made once. */
import type { V1Job } from '@kubernetes/client-node'
import { refusedExitCode } from '#dataservice/contract/mirror.ts'
import { type Child, ownedMetadata } from '../labels.ts'
import { operationJobName } from '../names.ts'
import type { Target } from '../target.ts'
import { copyingPod, restoringPod } from './pods.ts'

export function operationJob(target: Target): Child<V1Job> | undefined {
  const { owner, effective, operation } = target
  if (effective.backup === undefined || operation === undefined || !operation.isJobDue) return undefined
  const name = operationJobName(owner.metadata.name, operation.uid)
  return {
    apiVersion: 'batch/v1',
    kind: 'Job',
    metadata: ownedMetadata(owner, name, componentOf[operation.type]),
    spec: {
      backoffLimit: 3,
      podFailurePolicy: {
        rules: [{ action: 'FailJob', onExitCodes: { operator: 'In', values: [refusedExitCode] } }],
      },
      template: operation.type === 'Backup' ? copyingPod(target) : restoringPod(target, operation),
    },
  }
}

const componentOf = { Backup: 'backup-job', Restore: 'restore' } as const
