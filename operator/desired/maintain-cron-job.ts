/** The CronJob that makes partitions ahead of time and drops those past their retention. */
import type { V1CronJob } from '@kubernetes/client-node'
import { type Child, ownedMetadata } from './labels.ts'
import { maintainName } from './names.ts'
import { podTemplate, productUser, programContainer, programVolumes, serviceAccountOf } from './pod.ts'
import type { Target } from './target.ts'

/** Every hour, away from the full hour when everybody else's jobs start. */
const schedule = '17 * * * *'

export function maintainCronJob({ owner, effective, settings }: Target): Child<V1CronJob> {
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
              containers: [
                programContainer('maintain', effective.images.dataservice, effective.resources.jobs),
              ],
              volumes: programVolumes(name, 'maintain'),
            },
          }),
        },
      },
    },
  }
}
