/**
 * The Job that takes away what a DataService that goes has at engines of others, and what its pod needs. None of it has an
 * owner: a deletion in the foreground takes everything that has one first.
 */
import type { V1ConfigMap, V1Job, V1Volume } from '@kubernetes/client-node'
import { parseSettings } from '#dataservice/contract/settings.ts'
import { leavingParts } from './deletion-policy.ts'
import { asksOurPostgres } from './elsewhere.ts'
import { canonicalText } from './hash.ts'
import { programPod } from './job-pod.ts'
import { type Child, type ChildMetadata, retainedMetadata } from './labels.ts'
import { removeName, settingsName } from './names.ts'
import { podTemplate, productUser } from './pod.ts'
import { settingsKey } from './settings-config-map.ts'
import type { Target } from './target.ts'

const component = 'remove'

const metadataOf = ({ owner }: Target): ChildMetadata =>
  retainedMetadata(owner, removeName(owner.metadata), component)

/** In the order in which they are made. */
export const removalObjects = (target: Target): [Child<V1ConfigMap>, Child<V1Job>] => [
  settings(target),
  removeJob(target),
]

function settings(target: Target): Child<V1ConfigMap> {
  const { tls, ...others } = parseSettings(target.settings.text)
  const leaves = leavingParts(target.owner.spec)
  return {
    apiVersion: 'v1',
    kind: 'ConfigMap',
    metadata: metadataOf(target),
    data: {
      // Whoever finds `tls` looks for certificates of ours.
      [settingsKey]: canonicalText({ ...others, ...(tls && asksOurPostgres(target) && { tls }), leaves }),
    },
  }
}

function removeJob(target: Target): Child<V1Job> {
  const { owner, effective } = target
  return {
    apiVersion: 'batch/v1',
    kind: 'Job',
    metadata: metadataOf(target),
    spec: {
      backoffLimit: 1_000_000, // it is given a time, not a number of attempts
      template: podTemplate({
        owner,
        component,
        serviceAccount: 'default', // that of our jobs may be gone already; no token is mounted
        overrides: effective.pods.jobs,
        configHash: target.settings.hash,
        user: productUser,
        spec: { restartPolicy: 'OnFailure', ...podOf(target) },
      }),
    },
  }
}

function podOf(target: Target): ReturnType<typeof programPod> {
  const { containers, volumes = [] } = programPod(target, component)
  const { name } = metadataOf(target)
  const isSettings = ({ configMap }: V1Volume) => configMap?.name === settingsName(target.owner.metadata.name)
  return {
    containers,
    volumes: volumes.map(each =>
      isSettings(each) ? { ...each, configMap: { ...each.configMap, name } } : each,
    ),
  }
}
