/** Why the pods of a part are not ready, read from the pods themselves, with the remedy. Pure. */
import type { Reason } from '#crds/v1alpha1/conditions.ts'
import { labelKeys } from '#operator/desired/labels.ts'
import type { Part } from '#operator/desired/names.ts'
import type { ObservedChild } from '#operator/desired/target.ts'
import { type ContainerState, containersOf, lastWords, notScheduled } from './containers.ts'
import { kubectl } from './kubectl.ts'
import { roomRemedy, withoutPreemption } from './room-remedy.ts'

export interface Problem {
  reason: Reason
  /** Names the object and the remedy. */
  message: string
}

export type PodOwner = Part | 'migrate' | 'backup' | 'backup-s3'

/** Where a user changes what the pods of a part ask for. */
export const specPath: Record<PodOwner, string> = {
  gateway: 'spec.gateway',
  writer: 'spec.writer',
  reader: 'spec.reader',
  kafka: 'spec.kafka.managed',
  postgres: 'spec.postgres.managed',
  redis: 'spec.redis.managed',
  migrate: 'spec.writer',
  backup: 'spec.postgres.managed',
  'backup-s3': 'spec.postgres.managed',
}

/** A pod with what the rules look at. */
interface Seen {
  owner: PodOwner
  namespace: string
  name: string
  pod: ObservedChild
  containers: readonly ContainerState[]
}

type Rule = (seen: Seen) => Problem | undefined

/** The gravest first: what only a user can change comes before what may pass by itself. */
const rules: readonly Rule[] = [
  imageMissing,
  cannotStart,
  volumePending,
  unschedulable,
  outOfMemory,
  crashing,
]

/** The gravest problem of a part's pods, or undefined when none of them has one. */
export function podProblem(pods: readonly ObservedChild[], owner: PodOwner): Problem | undefined {
  const seen = newest(pods.filter(pod => isOf(pod, owner))).map(pod => ({
    owner,
    namespace: pod.metadata.namespace,
    name: pod.metadata.name,
    pod,
    containers: containersOf(pod),
  }))
  for (const rule of rules) {
    const [first, ...others] = seen.flatMap(each => rule(each) ?? [])
    if (first !== undefined)
      return others.length === 0
        ? first
        : { ...first, message: `${first.message} (${others.length} more like it)` }
  }
  return undefined
}

function isOf({ metadata, status }: ObservedChild, owner: PodOwner): boolean {
  const ended = status?.['phase'] === 'Succeeded' || status?.['phase'] === 'Failed'
  return metadata.labels[labelKeys.component] === owner && metadata.deletionTimestamp === undefined && !ended
}

/** Pods of an older version of a Deployment or of an older Job are on their way out: they speak of the past. */
const versionLabels = ['pod-template-hash', 'batch.kubernetes.io/job-name']

function newest(pods: readonly ObservedChild[]): ObservedChild[] {
  const age = ({ metadata }: ObservedChild): string => metadata.creationTimestamp ?? ''
  const [last] = pods.toSorted((a, b) => age(b).localeCompare(age(a)))
  return pods
    .filter(({ metadata }) =>
      versionLabels.every(label => metadata.labels[label] === last?.metadata.labels[label]),
    )
    .toSorted((a, b) => a.metadata.name.localeCompare(b.metadata.name))
}

const imageReasons = ['ErrImagePull', 'ImagePullBackOff', 'InvalidImageName', 'ErrImageNeverPull']

function imageMissing({ name, containers, owner }: Seen): Problem | undefined {
  const found = containers.find(({ waiting }) => imageReasons.includes(waiting?.reason ?? ''))
  if (found === undefined) return undefined
  // The first try and the back-off after it say the same in other words.
  const why = lastWords(found.waiting?.message ?? '').replace(
    /^Back-off pulling image ".*?"(: ErrImagePull: )?/,
    '',
  )
  return {
    reason: 'ImageMissing',
    message:
      `pod ${name}: image ${found.image} cannot be pulled${why === '' ? '' : ` (${why})`}. Push it, or correct ` +
      `${imageVariable[owner]} of the operator, or name a Secret of its registry in ${specPath[owner]}.pod.imagePullSecrets`,
  }
}

/** Which variable of the operator names the image. */
const imageVariable: Record<PodOwner, string> = {
  gateway: 'RELATED_IMAGE_DATASERVICE',
  writer: 'RELATED_IMAGE_DATASERVICE',
  reader: 'RELATED_IMAGE_DATASERVICE',
  migrate: 'RELATED_IMAGE_DATASERVICE',
  kafka: 'RELATED_IMAGE_KAFKA',
  postgres: 'RELATED_IMAGE_POSTGRES',
  redis: 'RELATED_IMAGE_REDIS',
  backup: 'RELATED_IMAGE_POSTGRES',
  'backup-s3': 'RELATED_IMAGE_DATASERVICE',
}

const startReasons = ['CreateContainerConfigError', 'CreateContainerError', 'RunContainerError']

function cannotStart(seen: Seen): Problem | undefined {
  const { name, containers } = seen
  const found = containers.find(({ waiting }) => startReasons.includes(waiting?.reason ?? ''))
  if (found === undefined) return undefined
  return {
    reason: 'ContainerNotStarted',
    message:
      `pod ${name}: container ${found.name} cannot be started: ${lastWords(found.waiting?.message ?? '')}. ` +
      `Put back what is missing; ${kubectl(seen, `describe pod ${name}`)} tells more`,
  }
}

/** The scheduler's words for a claim without a volume. */
const aboutVolumes = /persistentvolumeclaim|persistent volume|binding volumes/i

function volumePending(seen: Seen): Problem | undefined {
  const { owner, name, pod } = seen
  const why = notScheduled(pod)
  if (why === undefined || !aboutVolumes.test(why)) return undefined
  return {
    reason: 'VolumePending',
    message:
      `pod ${name} waits for its volume: ${why} ${kubectl(seen, `describe pvc data-${name}`)} tells why; ` +
      `${specPath[owner]}.storage.className, or the cluster's default, must be a StorageClass that makes volumes`,
  }
}

function unschedulable({ owner, name, pod }: Seen): Problem | undefined {
  const why = notScheduled(pod)
  if (why === undefined) return undefined
  return {
    reason: 'Unschedulable',
    message: `pod ${name} fits on no node: ${withoutPreemption(why)} ${roomRemedy(why, specPath[owner])}`,
  }
}

/** A Job's container has no readiness: between two crashes it looks well. */
const looping = (owner: PodOwner, { ready, running, restarts, waiting }: ContainerState): boolean => {
  if (waiting !== undefined) return waiting.reason === 'CrashLoopBackOff' || restarts > 0
  if (!running) return true
  return owner === 'migrate' ? restarts > 0 : !ready && restarts > 1
}

const crashedOf = ({ owner, containers }: Seen): ContainerState | undefined =>
  containers.find(each => each.crashed !== undefined && looping(owner, each))

function outOfMemory(seen: Seen): Problem | undefined {
  const found = crashedOf(seen)
  if (found?.crashed?.reason !== 'OOMKilled') return undefined
  return {
    reason: 'OutOfMemory',
    message:
      `pod ${seen.name}: container ${found.name} was killed because it needed more memory than its limit: ` +
      `raise ${specPath[seen.owner]}.resources.limits.memory`,
  }
}

function crashing(seen: Seen): Problem | undefined {
  const { owner, name } = seen
  const found = crashedOf(seen)
  if (found?.crashed === undefined) return undefined
  const { exitCode, reason, message } = found.crashed
  const words = lastWords(message)
  return {
    reason: owner === 'migrate' ? 'MigrationFailed' : 'Crashing',
    message:
      `pod ${name}: container ${found.name} ended with exit code ${exitCode} (${reason || 'no reason'}) and is started ` +
      `again${words === '' ? '' : `; it said: ${words}`}. Read ${kubectl(seen, `logs ${name} -c ${found.name} --previous`)}`,
  }
}
