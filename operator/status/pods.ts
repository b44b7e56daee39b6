/** Why the pods of a part are not ready, read from the pods themselves, with the remedy. Pure. */
import type { Reason } from '#crds/v1alpha1/conditions.ts'
import type { ClassChoice } from '#operator/desired/class-choice.ts'
import type { Images } from '#operator/desired/effective.ts'
import { labelKeys } from '#operator/desired/labels.ts'
import type { ObservedChild } from '#operator/desired/target.ts'
import type { Facts } from '#operator/reconcile/facts.ts'
import { type ContainerState, containersOf, lastWords, notScheduled } from './containers.ts'
import { kubectl } from './kubectl.ts'
import { type PodOwner, podFields } from './pod-fields.ts'
import { roomRemedy, withoutPreemption } from './room-remedy.ts'

export interface Problem {
  reason: Reason
  /** Names the object and the remedy. */
  message: string
}

/** A pod with what the rules look at. */
interface Seen {
  owner: PodOwner
  choice: ClassChoice
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
export function podProblem(
  { pods, choice }: Pick<Facts, 'pods' | 'choice'>,
  owner: PodOwner,
): Problem | undefined {
  const seen = newest(pods.filter(pod => isOf(pod, owner))).map(pod => ({
    owner,
    choice,
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

function imageMissing({ name, containers, owner, choice }: Seen): Problem | undefined {
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
      `${imageSource(owner, choice)}, or name a Secret of its registry in ${podFields[owner].pod}.imagePullSecrets`,
  }
}

const imageOf: Readonly<Record<PodOwner, keyof Images>> = {
  gateway: 'dataservice',
  writer: 'dataservice',
  reader: 'dataservice',
  migrate: 'dataservice',
  kafka: 'kafka',
  postgres: 'postgres',
  redis: 'redis',
  backup: 'postgres',
  'backup-s3': 'dataservice',
}

/** What names the image: a class that does decides, and else the operator. */
function imageSource(owner: PodOwner, choice: ClassChoice): string {
  const image = imageOf[owner]
  const ofClass: Partial<Images> = (choice.kind === 'class' && choice.spec.images) || {}
  return choice.kind === 'class' && ofClass[image] !== undefined
    ? `spec.images.${image} of DataServiceClass ${choice.name}`
    : `RELATED_IMAGE_${image.toUpperCase()} of the operator`
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
  const { storage } = podFields[owner]
  if (why === undefined || storage === undefined || !aboutVolumes.test(why)) return undefined
  return {
    reason: 'VolumePending',
    message:
      `pod ${name} waits for its volume: ${why} ${kubectl(seen, `describe pvc data-${name}`)} tells why; ` +
      `${storage}.className, or the cluster's default, must be a StorageClass that makes volumes`,
  }
}

function unschedulable({ owner, name, pod }: Seen): Problem | undefined {
  const why = notScheduled(pod)
  if (why === undefined) return undefined
  return {
    reason: 'Unschedulable',
    message: `pod ${name} fits on no node: ${withoutPreemption(why)} ${roomRemedy(why, podFields[owner])}`,
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
  const { resources } = podFields[seen.owner]
  const remedy =
    resources === undefined
      ? `no field raises it, because it is built in. It is started again; if that does not help, report what ${kubectl(seen, `describe pod ${seen.name}`)} says`
      : `raise ${resources}.limits.memory`
  return {
    reason: 'OutOfMemory',
    message: `pod ${seen.name}: container ${found.name} was killed because it needed more memory than its limit: ${remedy}`,
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
