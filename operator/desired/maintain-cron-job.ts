/** The CronJob that makes partitions ahead of time and drops those past their retention. */
import type { V1CronJob } from '@kubernetes/client-node'
import { programPod } from './job-pod.ts'
import { type Child, ownedMetadata } from './labels.ts'
import { maintainName } from './names.ts'
import { podTemplate, productUser, serviceAccountOf } from './pod.ts'
import type { Target } from './target.ts'

/** Every hour, away from the full hour when everybody else's jobs start. */
const schedule = '17 * * * *'

export function maintainCronJob(target: Target): Child<V1CronJob> {
  const { owner, effective, settings } = target
  const { name } = owner.metadata
  return {
    apiVersion: 'batch/v1',
    kind: 'CronJob',
    metadata: ownedMetadata(owner, maintainName(name), 'maintain'),
    spec: {
      schedule,
      ...(owner.spec.lifecycle === 'Hibernated' && { suspend: true }),
      concurrencyPolicy: 'Forbid',
      startingDeadlineSeconds: 1800,
      successfulJobsHistoryLimit: 1,
      failedJobsHistoryLimit: 1,
      jobTemplate: {
        spec: {
          backoffLimit: 3,
          activeDeadlineSeconds: 1800,
          template: podTemplate({
            owner,
            component: 'maintain',
            serviceAccount: serviceAccountOf(name, 'jobs'),
            overrides: effective.pods.jobs,
            configHash: settings.hash,
            user: productUser,
            spec: {
              restartPolicy: 'Never',
              ...programPod(target, 'maintain'),
            },
          }),
        },
      },
    },
  }
}
