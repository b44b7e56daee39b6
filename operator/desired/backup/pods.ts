/** The pods of backups: the one that archives, and those that make copies beside it. */
import type { V1Container, V1PodSpec, V1Volume } from '@kubernetes/client-node'
import { credentialKeys } from '#dataservice/contract/names.ts'
import { certificateVolumes } from '../certificates.ts'
import { configPath, secretPath } from '../engines/engine.ts'
import { postgres } from '../engines/postgres.ts'
import { dataPath } from '../engines/postgres-scripts.ts'
import { contentHash } from '../hash.ts'
import { backupConfigName, backupName, claimName, partName, postgresPod } from '../names.ts'
import {
  containerSecurity,
  credentialsVolume,
  type PodTemplate,
  podTemplate,
  serviceAccountOf,
} from '../pod.ts'
import type { OperationAtWork, Target } from '../target.ts'
import { beside } from './beside.ts'
import { backupFiles } from './config-map.ts'
import { fetching, pulling } from './mirror.ts'
import { provenTurn } from './proven-turn.ts'
import { restoreVariables } from './restore-scripts.ts'
import { backupPath } from './scripts.ts'

export type BackupComponent = 'backup' | 'backup-job' | 'restore'

interface Wish {
  script: string
  component: BackupComponent
  spec: Omit<V1PodSpec, 'containers'>
  /** Beside what all of them have. */
  container?: Pick<V1Container, 'readinessProbe' | 'env' | 'resources' | 'volumeMounts'>
}

export function backupPod(target: Target, { script, component, spec, container = {} }: Wish): PodTemplate {
  const { owner, effective } = target
  const { requests, limits } = effective.resources.jobs
  const certificates = certificateVolumes(target, 'jobs')
  return podTemplate({
    owner,
    component,
    serviceAccount: serviceAccountOf(owner.metadata.name, 'jobs'),
    overrides: spec.initContainers === undefined ? effective.pods.postgres : pulling(target),
    configHash: contentHash(backupFiles(target)),
    user: postgres.user,
    spec: {
      terminationGracePeriodSeconds: 30,
      ...spec,
      containers: [
        {
          name: component,
          image: effective.images.postgres,
          imagePullPolicy: 'IfNotPresent',
          terminationMessagePolicy: 'FallbackToLogsOnError', // the condition tells what it said last
          command: ['sh', `${configPath}/${script}`],
          resources: { requests: { ...requests }, limits: { ...limits } },
          ...container,
          securityContext: containerSecurity,
          volumeMounts: [
            { name: 'config', mountPath: configPath, readOnly: true },
            { name: 'credentials', mountPath: secretPath, readOnly: true },
            { name: 'scratch', mountPath: '/tmp' },
            { name: 'data', mountPath: backupPath },
            ...certificates.map(({ mount }) => mount),
            ...(container.volumeMounts ?? []),
          ],
        },
      ],
      volumes: [...filesOf(target), ...certificates.map(({ volume }) => volume), ...(spec.volumes ?? [])],
    },
  })
}

/** Two of Postgres' passwords: the role that copies reads no table, and the reader tells how far the writers are. */
function filesOf(target: Target): V1Volume[] {
  const { name } = target.owner.metadata
  const items = [credentialKeys.replication, credentialKeys.reader].map(key => ({ key, path: key }))
  return [
    { name: 'config', configMap: { name: backupConfigName(name) } },
    { name: 'credentials', ...credentialsVolume(name, provenTurn(target), items) },
    { name: 'scratch', emptyDir: {} },
  ]
}

/** A pod that works once; `42` is what no repetition mends. */
export function copyingPod(target: Target): PodTemplate {
  const { name } = target.owner.metadata
  return backupPod(target, {
    script: 'backup.sh',
    component: 'backup-job',
    spec: {
      restartPolicy: 'Never',
      // The volume is attached to one node.
      affinity: beside(name, `${backupName(name)}-0`),
      volumes: [{ name: 'data', persistentVolumeClaim: { claimName: claimName(backupName(name)) } }],
    },
  })
}

/** Writes the volume of the primary, which nobody has open then. */
export function restoringPod(target: Target, operation: OperationAtWork): PodTemplate {
  const { uid, restore } = operation
  const { name } = target.owner.metadata
  const { requests, limits } = target.effective.resources.postgres
  const claim = (volume: string, set: string): V1Volume => ({
    name: volume,
    persistentVolumeClaim: { claimName: claimName(set) },
  })
  const fetched = fetching(target, operation)
  return backupPod(target, {
    script: 'restore.sh',
    component: 'restore',
    spec: {
      restartPolicy: 'Never',
      ...fetched,
      volumes: [
        ...[claim('data', backupName(name)), claim('postgres', partName(name, 'postgres'))],
        ...fetched.volumes,
      ],
    },
    container: {
      env: [
        { name: restoreVariables.operation, value: uid },
        { name: restoreVariables.time, value: restore.time ?? '' },
        { name: restoreVariables.backup, value: restore.backup ?? '' },
      ],
      resources: { requests: { ...requests }, limits: { ...limits } },
      volumeMounts: [{ name: 'postgres', mountPath: dataPath }],
    },
  })
}

/** The pod whose volume a restore replaces, whichever is the primary. */
export const restoredPod = (owner: string): string => postgresPod(owner, 0)
