/** StatefulSets of the engines: a stable name and, where the engine keeps data, a volume for each pod. */
import type {
  V1Container,
  V1StatefulSet,
  V1StatefulSetSpec,
  V1Volume,
  V1VolumeMount,
} from '@kubernetes/client-node'
import type { DataService } from '#crds/v1alpha1/resource.ts'
import { certificateVolumes } from './certificates.ts'
import { deletionPolicyOf } from './deletion-policy.ts'
import type { Storage } from './effective.ts'
import { configPath, type Engine, secretPath } from './engines/engine.ts'
import { engines } from './engines/engines.ts'
import { contentHash } from './hash.ts'
import { encrypts } from './hop-modes.ts'
import { annotationKeys, type Child, ownedMetadata, retainedAnnotations, selectorLabels } from './labels.ts'
import { credentialsName, type EnginePart, engineConfigName, partName } from './names.ts'
import { containerSecurity, podTemplate, serviceAccountOf } from './pod.ts'
import type { ObservedChild, Target } from './target.ts'

/** One that is asleep is not made: a new one has to look first whose volumes it finds. */
export function statefulSet(target: Target, part: EnginePart): Child<V1StatefulSet> | undefined {
  const { owner, asleep } = target
  const name = partName(owner.metadata.name, part)
  if (asleep.has(part) && target.observed('StatefulSet', name) === undefined) return undefined
  return {
    apiVersion: 'apps/v1',
    kind: 'StatefulSet',
    metadata: { ...ownedMetadata(owner, name, part), ...(isRestartedFor(target, part) && told(target)) },
    spec: { ...changeable(target, part), ...pinned(target, part) },
  }
}

function pinned(target: Target, part: EnginePart) {
  const name = partName(target.owner.metadata.name, part)
  const wanted = {
    serviceName: name,
    podManagementPolicy: 'Parallel',
    selector: { matchLabels: selectorLabels(target.owner.metadata.name, part) },
    ...(part === 'redis' ? {} : claimTemplates(target.owner, part, target.effective.storage[part])),
  }
  return pinnedFields(wanted, target.observed('StatefulSet', name))
}

/** What the API server lets nobody change after creation: once there, it is taken from the object itself. */
export function pinnedFields<Fields extends object>(
  wanted: Fields,
  observed: ObservedChild | undefined,
): Fields {
  const spec = observed?.spec
  if (spec === undefined) return wanted
  const kept = Object.keys(wanted).map(field => [field, spec[field]])
  return Object.fromEntries(kept) as Fields
}

function changeable(target: Target, part: EnginePart) {
  const { owner, effective, asleep } = target
  const engine = engines[part]
  const minReadySeconds = engine.settleSeconds?.(effective) ?? 0
  return {
    replicas: asleep.has(part) ? 0 : podsNow(target, part),
    ...(minReadySeconds > 0 && { minReadySeconds }),
    updateStrategy: { type: engine.rolls(effective) },
    ...(part === 'redis' ? {} : claimPolicy(owner, part)),
    template: podTemplate({
      owner,
      component: part,
      serviceAccount: serviceAccountOf(owner.metadata.name, part),
      overrides: effective.pods[part],
      configHash: configHash(target, part),
      user: engine.user,
      spec: {
        terminationGracePeriodSeconds: engine.graceSeconds,
        containers: [container(target, part, engine)],
        volumes: files(target, part, engine).flatMap(({ volume }) => (volume === undefined ? [] : [volume])),
      },
    }),
  }
}

/** A replica that starts while its primary is away serves what it has; after a restore that would be the past. */
function podsNow({ effective, operation }: Target, part: EnginePart): number {
  const isAlone = part === 'postgres' && operation?.type === 'Restore'
  return isAlone ? 1 : engines[part].pods(effective)
}

/**
 * Nodes of a quorum take up new certificates when they start: Kafka reloads those of its listeners, but not those that
 * its controllers show to each other.
 */
const isRestartedFor = ({ effective }: Target, part: EnginePart): boolean =>
  part === 'kafka' && effective.brokers > 1 && encrypts(effective)

/** For which certificates the pods were asked to restart last. */
const told = ({ certificates: { issue } }: Target) => ({
  annotations: { [annotationKeys.issue]: String(issue) },
})

function configHash(target: Target, part: EnginePart): string {
  const files = engines[part].files(target)
  const certificates = String(target.certificates.issue)
  return contentHash(isRestartedFor(target, part) ? { ...files, certificates } : files)
}

function container(target: Target, part: EnginePart, engine: Engine): V1Container {
  const resources = target.effective.resources[part]
  return {
    name: part,
    image: target.effective.images[part],
    imagePullPolicy: 'IfNotPresent',
    terminationMessagePolicy: 'FallbackToLogsOnError', // the condition tells what it said last
    command: ['sh', `${configPath}/start.sh`],
    env: [
      { name: 'POD_NAME', valueFrom: { fieldRef: { fieldPath: 'metadata.name' } } },
      ...engine.env(target),
    ],
    ports: engine.ports ?? [],
    readinessProbe: engine.readiness,
    ...(engine.liveness === undefined ? {} : { livenessProbe: engine.liveness }),
    ...(engine.stop === undefined ? {} : { lifecycle: { preStop: { exec: { command: [...engine.stop] } } } }),
    resources: { requests: { ...resources.requests }, limits: { ...resources.limits } },
    securityContext: containerSecurity,
    volumeMounts: files(target, part, engine).map(({ mount }) => mount),
  }
}

/** A mount and, unless a volume claim provides it, its volume. */
interface MountedFiles {
  mount: V1VolumeMount
  volume?: V1Volume
}

function files(target: Target, part: EnginePart, engine: Engine): MountedFiles[] {
  const { name } = target.owner.metadata
  const config: MountedFiles = {
    mount: { name: 'config', mountPath: configPath, readOnly: true },
    volume: { name: 'config', configMap: { name: engineConfigName(name, part) } },
  }
  const items = engine.secretKeys.map(key => ({ key, path: key }))
  const credentials: MountedFiles = {
    mount: { name: 'credentials', mountPath: secretPath, readOnly: true },
    volume: { name: 'credentials', secret: { secretName: credentialsName(name), items, defaultMode: 0o440 } },
  }
  const scratch = engine.scratch.map((mountPath, index) => ({
    mount: { name: `scratch-${index}`, mountPath },
    volume: { name: `scratch-${index}`, emptyDir: {} },
  }))
  const data = engine.dataPath === undefined ? [] : [{ mount: { name: 'data', mountPath: engine.dataPath } }]
  const followed = (engine.followed?.(name) ?? []).map(({ volume, folder, secret }) => ({
    mount: { name: volume, mountPath: folder, readOnly: true },
    volume: { name: volume, secret: { secretName: secret, optional: true, defaultMode: 0o440 } },
  }))
  const certificates = certificateVolumes(target, part)
  return [
    config,
    ...(items.length > 0 ? [credentials] : []),
    ...followed,
    ...certificates,
    ...scratch,
    ...data,
  ]
}

/** May change at any time: Kubernetes then marks the claims that exist, or takes the mark away. */
export const claimPolicy = ({ spec }: DataService, part: Parameters<typeof deletionPolicyOf>[1]) => ({
  persistentVolumeClaimRetentionPolicy: {
    whenDeleted: deletionPolicyOf(spec, part),
    whenScaled: 'Retain',
  },
})

/**
 * One volume for each pod. Written as the API server stores it, so that what is taken from the object later is what was
 * sent, and the StatefulSet is not applied once more for it.
 */
export const claimTemplates = (
  owner: DataService,
  component: string,
  { size, className }: Storage,
): Pick<V1StatefulSetSpec, 'volumeClaimTemplates'> => ({
  volumeClaimTemplates: [
    {
      apiVersion: 'v1',
      kind: 'PersistentVolumeClaim',
      metadata: {
        name: 'data',
        labels: selectorLabels(owner.metadata.name, component),
        annotations: retainedAnnotations(owner),
      },
      spec: {
        accessModes: ['ReadWriteOnce'],
        resources: { requests: { storage: size } },
        ...(className === undefined ? {} : { storageClassName: className }),
        volumeMode: 'Filesystem',
      },
      status: { phase: 'Pending' },
    },
  ],
})
