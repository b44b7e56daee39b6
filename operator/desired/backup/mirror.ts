/** The pod that copies backups to an object store, and the container that brings them back. Neither has a password of Postgres. */
import type { V1Container, V1StatefulSet, V1Volume } from '@kubernetes/client-node'
import { fetchVariables, type MirrorSettings, mirrorSettingsFile } from '#dataservice/contract/mirror.ts'
import { mounts } from '#dataservice/contract/names.ts'
import { postgres } from '../engines/postgres.ts'
import { contentHash } from '../hash.ts'
import { type Child, ownedMetadata, selectorLabels } from '../labels.ts'
import { backupConfigName, backupName, claimName, mirrorName } from '../names.ts'
import { containerSecurity, podTemplate, probes, serviceAccountOf, telemetryPort } from '../pod.ts'
import type { PodOverrides } from '../pod-wishes.ts'
import { pinnedFields } from '../stateful-set.ts'
import type { OperationAtWork, Target } from '../target.ts'
import { userSecrets } from '../user-secrets.ts'
import { beside } from './beside.ts'
import { backupPath } from './scripts.ts'

/** Nothing where there is no such store. */
export function mirrorFiles({
  owner,
  effective,
}: Pick<Target, 'owner' | 'effective'>): Record<string, string> {
  const { s3, retainSeconds = 0 } = effective.backup ?? {}
  if (s3 === undefined) return {}
  const { namespace, name, uid = '' } = owner.metadata
  const { bucket, prefix, endpoint, region, archive } = s3
  const settings: MirrorSettings = {
    ...{ namespace, name, uid, bucket, prefix, endpoint, region, retainSeconds },
    ...(archive !== undefined && { archive }),
  }
  return { [mirrorSettingsFile]: JSON.stringify(settings) }
}

const folderOf = (path: string): string => path.slice(0, path.lastIndexOf('/'))

/** `upload`: for as long as it lives. `fetch`: what a restore needs. */
function container(target: Target, task: 'upload' | 'fetch'): V1Container {
  const { effective } = target
  const { requests, limits } = effective.resources.jobs
  return {
    name: task,
    image: effective.images.dataservice,
    imagePullPolicy: 'IfNotPresent',
    terminationMessagePolicy: 'FallbackToLogsOnError', // the condition tells what it said last
    args: ['/app/mirror.mjs', task],
    resources: { requests: { ...requests }, limits: { ...limits } },
    securityContext: containerSecurity,
    volumeMounts: [
      { name: 'mirror', mountPath: folderOf(mounts.mirrorSettings.path), readOnly: true },
      { name: 'data', mountPath: backupPath },
      ...userSecrets(target, 'backup-s3').map(({ mount }) => mount),
    ],
  }
}

/** Beside the volume of backups itself. */
const volumesOf = (target: Target): V1Volume[] => [
  {
    name: 'mirror',
    configMap: {
      name: backupConfigName(target.owner.metadata.name),
      items: [{ key: mirrorSettingsFile, path: mirrorSettingsFile }],
    },
  },
  ...userSecrets(target, 'backup-s3').map(({ volume }) => volume),
]

/** Where Postgres goes; the image is one of ours, which may be in another registry. */
export function pulling({ effective: { pods } }: Pick<Target, 'effective'>): PodOverrides {
  const own = pods.jobs.imagePullSecrets ?? []
  const beside = pods.postgres.imagePullSecrets ?? []
  const more = own.filter(({ name }) => !beside.some(each => each.name === name))
  return more.length === 0 ? pods.postgres : { ...pods.postgres, imagePullSecrets: [...beside, ...more] }
}

/** What runs before the container of a restore; nothing where there is no such store. */
export function fetching(
  target: Target,
  { restore }: OperationAtWork,
): { initContainers?: V1Container[]; volumes: V1Volume[] } {
  if (target.effective.backup?.s3 === undefined) return { volumes: [] }
  const env = [
    { name: fetchVariables.time, value: restore.time ?? '' },
    { name: fetchVariables.backup, value: restore.backup ?? '' },
  ]
  return { initContainers: [{ ...container(target, 'fetch'), env }], volumes: volumesOf(target) }
}

/**
 * StatefulSet `NAME-backup-s3`. It is kept apart from the one that archives, so that a store that is away stops nothing.
 */
export function mirrorStatefulSet(target: Target): Child<V1StatefulSet> | undefined {
  const { owner, effective, asleep } = target
  const { name: service } = owner.metadata
  const name = mirrorName(service)
  const observed = target.observed('StatefulSet', name)
  if (effective.backup?.s3 === undefined || (asleep.has('postgres') && observed === undefined))
    return undefined
  const component = 'backup-s3'
  const pinned = {
    serviceName: name,
    podManagementPolicy: 'Parallel',
    selector: { matchLabels: selectorLabels(service, component) },
  }
  const data = { name: 'data', persistentVolumeClaim: { claimName: claimName(backupName(service)) } }
  return {
    apiVersion: 'apps/v1',
    kind: 'StatefulSet',
    metadata: ownedMetadata(owner, name, component),
    spec: {
      replicas: asleep.has('postgres') ? 0 : 1,
      updateStrategy: { type: 'RollingUpdate' },
      template: podTemplate({
        owner,
        component,
        serviceAccount: serviceAccountOf(service, 'jobs'),
        overrides: pulling(target),
        configHash: contentHash(mirrorFiles(target)),
        user: postgres.user, // the files are readable by their owner alone
        spec: {
          terminationGracePeriodSeconds: 30,
          affinity: beside(service, `${backupName(service)}-0`), // the volume is attached to one node
          containers: [{ ...container(target, 'upload'), ports: [telemetryPort], ...probes() }],
          volumes: [...volumesOf(target), data],
        },
      }),
      ...pinnedFields(pinned, observed),
    },
  }
}
