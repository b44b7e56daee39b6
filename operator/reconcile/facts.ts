/** What one run of the loop knows: everything that the decision is made from, as plain values. */

import type { Operation } from '#crds/v1alpha1/operation.ts'
import type { DataService } from '#crds/v1alpha1/resource.ts'
import type { EndToEnd } from '#dataservice/contract/end-to-end.ts'
import type { MirrorReport } from '#dataservice/contract/mirror.ts'
import type { RecordVerdict } from '#dataservice/contract/record-declaration.ts'
import type { Serving } from '#operator/cluster/port.ts'
import type { ClassChoice } from '#operator/desired/class-choice.ts'
import type { Access } from '#operator/desired/consumers.ts'
import type { ObservedTopic } from '#operator/desired/kafka-topics.ts'
import type { KindOfOthers } from '#operator/desired/kinds-of-others.ts'
import type { ObservedOwnership } from '#operator/desired/labels.ts'
import type { ObservedChild, Target } from '#operator/desired/target.ts'
import type { LogHealth, LogRoom } from '#operator/topics/port.ts'
import type { Block } from './block.ts'
import type { CertifyStep } from './certificates/renewal.ts'
import type { PublicCertificates, SeenCertificates } from './certificates/seen.ts'
import type { Refusals } from './refusals.ts'
import type { Unmounted } from './unmounted.ts'
import type { Stand } from './upgrade/stand.ts'
import type { WriterStop } from './writer-stops.ts'
import type { TotalLoad } from './writers/number.ts'

export type TopicFacts =
  /** The brokers were not asked, because they are not ready. */
  | { kind: 'notAsked' }
  | { kind: 'unreachable'; message: string }
  | { kind: 'described'; topics: readonly ObservedTopic[] }

/** How whole the Kafka cluster is; asked only while a broker has to be restarted. */
export type LogFacts =
  | { kind: 'notAsked' }
  | { kind: 'unreachable'; message: string }
  | { kind: 'seen'; health: LogHealth }

/** How near a full log is; asked when the topics are. */
export type RoomFacts =
  | { kind: 'notAsked' }
  | { kind: 'unreachable'; message: string }
  | { kind: 'seen'; room: LogRoom }

export type FlushFacts =
  /** Nobody wants to know, or Kafka is not ready to say. */
  | { kind: 'notAsked' }
  | { kind: 'unreachable'; message: string }
  | { kind: 'seen'; behind: readonly PartitionBehind[] }

/** A partition with records that are not stored yet, as far as it is known. */
export interface PartitionBehind {
  partition: number
  /** False when no writer says that it has the partition. */
  told: boolean
}

/** What probe records said; asked while readers are ready. */
export type EndToEndFacts =
  | { kind: 'notAsked' }
  /** No reader knows yet, or it does not answer. */
  | { kind: 'untold' }
  | { kind: 'told'; told: EndToEnd }

/** How the writers fare; asked where the operator moves their number. */
export type LoadFacts =
  | { kind: 'notAsked' }
  /** Some are starting or ending, or do not tell yet. */
  | { kind: 'unknown' }
  | { kind: 'seen'; at: Date; load: TotalLoad }

/** What the metadata of a Secret of ours say, of certificates what everybody may see, and of a binding its user. */
export type SecretFacts = ObservedOwnership & { uid: string; shown?: PublicCertificates; user?: string }

/** Who may read the log; asked when the topics are, where there are consumers. */
export type AccessFacts =
  /** Nobody wants to know, or the brokers do not ask for rights yet. */
  { kind: 'notAsked' } | { kind: 'unreachable'; message: string } | { kind: 'seen'; access: Access }

/** Of a service whose hops are encrypted. */
export interface CertificateFacts {
  /** Absent: there are none yet. */
  seen?: SeenCertificates
  /** Absent: everything is in order. */
  due?: CertifyStep
}

export interface Facts {
  owner: DataService
  target: Target
  /** Whether the operator is newer than its pods, and what that means for them. */
  stand: Stand
  /** The operator's own. */
  revision: string
  choice: ClassChoice
  /** Nothing is written while there is one. */
  block?: Block
  verdict: RecordVerdict
  /** Of each kind of others that is used, or was: whether the API server serves it. */
  serving: ReadonlyMap<KindOfOthers, Serving>
  /** Our children as the watched copies have them. */
  children: readonly ObservedChild[]
  /** Pods with our label, those of Jobs too. */
  pods: readonly ObservedChild[]
  /** Partitions that writers stopped until somebody acts. */
  writerStops: readonly WriterStop[]
  /** Why backups are not copied to their object store; absent: they are, or nobody says. */
  mirror?: MirrorReport
  /** Workloads that may not make their pods. */
  refusals: Refusals
  /** Pods that wait for a Secret of the user. */
  unmounted: Unmounted
  /** Our Secrets that exist, by name; never what they hold. */
  secrets: ReadonlyMap<string, SecretFacts>
  /** Absent: hops are plain. */
  certificates?: CertificateFacts
  topics: TopicFacts
  log: LogFacts
  access: AccessFacts
  room: RoomFacts
  /** For how long Kafka has not answered when it was asked; 0: it answers, or was not asked. */
  silentMs: number
  /** How far the writers are behind the end of the log; asked while the service is about to hibernate. */
  flush: FlushFacts
  load: LoadFacts
  /** Of this DataService, also those that are over; in the order in which they are done. */
  operations: readonly Operation[]
  /** The one that is under way, or is next. */
  operation?: Operation
  endToEnd: EndToEndFacts
  /** True for the uid of a child that was put back too often lately. */
  isContested: (uid: string) => boolean
}

export function findChild(
  facts: Pick<Facts, 'children'>,
  kind: string,
  name: string,
): ObservedChild | undefined {
  return facts.children.find(child => child.kind === kind && child.metadata.name === name)
}

/** Whether a child is there; Secrets are known by name only. */
export const isThere = (facts: Pick<Facts, 'children' | 'secrets'>, kind: string, name: string): boolean =>
  kind === 'Secret' ? facts.secrets.has(name) : findChild(facts, kind, name) !== undefined
