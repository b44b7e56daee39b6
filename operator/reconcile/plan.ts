/** What one run of the loop has found to do. */
import type { TopicChange } from '#operator/desired/kafka-topics.ts'
import type { Child } from '#operator/desired/labels.ts'
import type { Growth } from './growth.ts'
import type { ScaleStep } from './scaling.ts'

export type Step =
  /** `uid` of the observed object: the apply fails when it was replaced. Absent: it may not exist yet. */
  | { do: 'apply'; object: Child; uid?: string }
  /** `mark`: applied to the object as soon as it is there. */
  | { do: 'create'; object: Child; mark?: Child }
  | ScaleStep
  | { do: 'remove'; kind: string; name: string; namespace: string; uid: string }
  | { do: 'grow'; growth: Growth }
  | { do: 'topics'; servers: readonly string[]; changes: readonly TopicChange[] }

/** What has been reached; each later stage waits for it. */
export interface Gates {
  recordAccepted: boolean
  logAnswers: boolean
  databaseAnswers: boolean
  migrated: boolean
  topicsExist: boolean
  /** No broker waits for the operator to restart it. */
  brokersCurrent: boolean
  /** The Deployments are there, so that autoscalers find what they scale. */
  deployed: boolean
}

export interface Plan {
  /** True while the annotation `paused` stands or the object is being deleted: nothing is written. */
  held: boolean
  gates: Gates
  steps: readonly Step[]
}
