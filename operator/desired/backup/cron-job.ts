/** CronJob `NAME-backup`: a whole copy by schedule. */
import type { V1CronJob } from '@kubernetes/client-node'
import { type Child, ownedMetadata } from '../labels.ts'
import { backupName } from '../names.ts'
import type { Target } from '../target.ts'
import { copyingPod } from './pods.ts'

export function backupCronJob(target: Target): Child<V1CronJob> | undefined {
  const { owner, effective, asleep } = target
  if (effective.backup === undefined) return undefined
  return {
    apiVersion: 'batch/v1',
    kind: 'CronJob',
    metadata: ownedMetadata(owner, backupName(owner.metadata.name), 'backup-job'),
    spec: {
      schedule: effective.backup.schedule,
      timeZone: 'Etc/UTC',
      ...(asleep.has('postgres') && { suspend: true }),
      concurrencyPolicy: 'Forbid',
      startingDeadlineSeconds: 3600,
      successfulJobsHistoryLimit: 1,
      failedJobsHistoryLimit: 1,
      jobTemplate: { spec: { backoffLimit: 3, template: copyingPod(target) } },
    },
  }
}
