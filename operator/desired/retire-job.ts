/** The Job that sees those shut out whose turn is over. It is there while that is not known and nothing goes to sleep. */
import type { V1Job } from '@kubernetes/client-node'
import { programPod } from './job-pod.ts'
import { type Child, ownedMetadata } from './labels.ts'
import { retireName } from './names.ts'
import { podTemplate, productUser, serviceAccountOf } from './pod.ts'
import type { Target } from './target.ts'

export function retireJob(target: Target): Child<V1Job> | undefined {
  const { owner, effective, settings, passwords, asleep } = target
  const { name } = owner.metadata
  const { turn, open, done } = passwords
  if (done === turn || open.length > 1 || asleep.has('reader') || asleep.has('postgres')) return undefined
  return {
    apiVersion: 'batch/v1',
    kind: 'Job',
    metadata: ownedMetadata(owner, retireName(name, turn), 'retire'),
    spec: {
      backoffLimit: 1_000_000, // as a migration
      template: podTemplate({
        owner,
        component: 'retire',
        serviceAccount: serviceAccountOf(name, 'jobs'),
        overrides: effective.pods.jobs,
        configHash: settings.hash,
        user: productUser,
        spec: {
          restartPolicy: 'OnFailure',
          ...programPod(target, 'retire'),
        },
      }),
    },
  }
}
