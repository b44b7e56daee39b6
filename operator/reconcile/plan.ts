/** What one run of the loop has found to do. */
import type { KubernetesObject } from '#operator/cluster/port.ts'
import type { AccessChange } from '#operator/desired/consumers.ts'
import type { TopicChange } from '#operator/desired/kafka-topics.ts'
import type { Child } from '#operator/desired/labels.ts'
import type { LogAddress, Placed } from '#operator/topics/port.ts'
import type { CertifyStep } from './certificates/renewal.ts'
import type { Gates } from './gates.ts'
import type { Growth } from './growth.ts'
import type { ScaleStep } from './scaling.ts'

export type Step =
  /**
   * `uid` of the observed object: the apply fails when it was replaced. Absent: it may not exist yet. `restores`: somebody
   * else has changed what was applied before.
   */
  | { do: 'apply'; object: Child; uid?: string; restores?: true }
  /** `mark`: applied to the object as soon as it is there. */
  | { do: 'create'; object: Child; mark?: Child }
  | ScaleStep
  /** `regardless`: nothing that this run writes takes its place, so it goes also when some of that is refused. */
  | { do: 'remove'; kind: string; name: string; namespace: string; uid: string; regardless?: true }
  /** Whether the DataService waits for us when it is deleted. */
  | { do: 'hold'; owner: KubernetesObject }
  | { do: 'grow'; growth: Growth }
  | { do: 'elect'; log: LogAddress }
  | { do: 'replicate'; log: LogAddress; partitions: readonly Placed[] }
  | { do: 'topics'; log: LogAddress; changes: readonly TopicChange[] }
  | { do: 'access'; log: LogAddress; changes: readonly AccessChange[] }
  | CertifyStep

export interface Plan {
  /** True while the annotation `paused` or `plan` stands or the object is being deleted: nothing is written. */
  held: boolean
  gates: Gates
  steps: readonly Step[]
  /** What would be done beside these, if the pods did not have to stay as they are until the turn comes. */
  kept: readonly Step[]
  /** Every child had its stage in this decision. */
  isWhole: boolean
  /** Children that somebody else keeps other than they are wanted: they are left for a while. */
  contested: readonly Contested[]
}

export interface Contested {
  kind: string
  name: string
  /** Those that differ, as `spec.template.spec.containers[reader].image`. */
  fields: readonly string[]
}

interface Removable {
  kind: string
  metadata: { name: string; namespace: string; uid?: string; deletionTimestamp?: string }
}

/** Of what is there and is not on its way out already. */
export function removal({ kind, metadata }: Removable): Extract<Step, { do: 'remove' }>[] {
  const { name, namespace, uid, deletionTimestamp } = metadata
  return uid === undefined || deletionTimestamp !== undefined
    ? []
    : [{ do: 'remove', kind, name, namespace, uid }]
}

/** The same of what goes whatever becomes of the other steps. */
export const removalRegardless = (child: Removable): Step[] =>
  removal(child).map(step => ({ ...step, regardless: true }))

/** What a step concerns, for messages; `Deployment orders-gateway`. */
export function nameOf(step: Step): string {
  switch (step.do) {
    case 'apply':
    case 'create':
      return `${step.object.kind} ${step.object.metadata.name}`
    case 'scale':
      return `Deployment ${step.name}`
    case 'remove':
      return `${step.kind} ${step.name}`
    case 'hold':
      return `the finalizer of ${step.owner.kind} ${step.owner.metadata.name}`
    case 'grow':
      return `StatefulSet ${step.growth.statefulSet}`
    case 'elect':
      return 'leaders of partitions'
    case 'replicate':
      return 'replicas of partitions'
    case 'topics':
      return 'topics'
    case 'access':
      return 'users of consumers'
    case 'certify':
      return 'certificates'
    default:
      return step satisfies never
  }
}
