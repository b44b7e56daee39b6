/**
 * The Job that brings the database to the form that the settings ask for. Its name carries the settings' hash:
 * another form is another Job. Gateway, writer and reader roll only after it succeeded.
 */
import type { V1Job } from '@kubernetes/client-node'
import { programPod } from './job-pod.ts'
import { type Child, ownedMetadata } from './labels.ts'
import { migrateName } from './names.ts'
import { podTemplate, productUser, serviceAccountOf } from './pod.ts'
import type { Target } from './target.ts'

export function migrateJob(target: Target): Child<V1Job> {
  const { owner, effective, settings } = target
  const { name } = owner.metadata
  return {
    apiVersion: 'batch/v1',
    kind: 'Job',
    metadata: ownedMetadata(owner, migrateName(name, settings.hash), 'migrate'),
    spec: {
      // A failing pod is started again by the kubelet with its own back-off, which ends at 5 minutes.
      backoffLimit: 1_000_000,
      template: podTemplate({
        owner,
        component: 'migrate',
        serviceAccount: serviceAccountOf(name, 'jobs'),
        overrides: effective.pods.jobs,
        configHash: settings.hash,
        user: productUser,
        spec: {
          restartPolicy: 'OnFailure',
          ...programPod(target, 'migrate'),
        },
      }),
    },
  }
}
