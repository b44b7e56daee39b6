/** What the operator needs of a Kafka cluster's administration. */
import type { BrokerDisk } from '#dataservice/contract/log-room.ts'
import type { Place } from '#operator/desired/certificates.ts'
import type { Access, AccessChange } from '#operator/desired/consumers.ts'
import type { ObservedTopic, TopicChange } from '#operator/desired/kafka-topics.ts'

/** Where a log is asked. */
export interface LogAddress {
  /** `host:port` */
  servers: readonly string[]
  /** Where the operator's own certificate stands; `version` tells when it is to be read anew. Absent: plain. */
  certificates?: { namespace: string; place: Place; version: string }
}

export interface TopicsPort {
  /**
   * Those of the named topics that exist, with the values of the named settings. Rejects with TopicsUnavailable
   * when no broker answers in time.
   */
  describe(log: LogAddress, names: readonly string[]): Promise<ObservedTopic[]>
  /** Makes the changes, in order. A topic that exists already is fine. Rejects with TopicsUnavailable. */
  change(log: LogAddress, changes: readonly TopicChange[]): Promise<void>
  /** How whole the cluster is, over all topics, which should have so many `copies`. Rejects with TopicsUnavailable. */
  health(log: LogAddress, copies: number): Promise<LogHealth>
  /** Gives partitions other replicas; Kafka copies in the background. Rejects with TopicsUnavailable. */
  replicate(log: LogAddress, partitions: readonly Placed[]): Promise<void>
  /** Lets the first replica of each partition lead it. Rejects with TopicsUnavailable. */
  elect(log: LogAddress): Promise<void>
  /** Offset after the last record of each partition of a topic; empty for one that does not exist. Rejects with TopicsUnavailable. */
  ends(log: LogAddress, topic: string): Promise<ReadonlyMap<number, bigint>>
  /**
   * The users whose names begin with `prefix`, and those who have rights without being able to log in. Undefined while the
   * brokers ask nobody for rights. Rejects with TopicsUnavailable.
   */
  access(log: LogAddress, prefix: string): Promise<Access | undefined>
  /** Makes the changes, in order; what is so already is fine. Rejects with TopicsUnavailable. */
  changeAccess(log: LogAddress, changes: readonly KnownAccessChange[]): Promise<void>
  /** Whether retention or a full disk is near. Rejects with TopicsUnavailable. */
  room(log: LogAddress, question: RoomQuestion): Promise<LogRoom>
}

/** With the password itself. */
export type KnownAccessChange =
  | Exclude<AccessChange, { change: 'admit' }>
  | { change: 'admit'; user: string; password: string }

/** A topic, who reads it, and how long it keeps a record. */
export interface RoomQuestion {
  topic: string
  group: string
  retentionMs: number
}

export interface LogRoom {
  /** Age of the oldest record that the group has not passed, in tenths of the retention; 0 below a half. */
  lagTenths: number
  disks: readonly BrokerDisk[]
}

export interface LogHealth {
  /** Partitions that lack a replica in sync, as `topic/number`. */
  lacking: readonly string[]
  /** Partitions with fewer replicas than wanted, in sync or not. */
  thin: readonly Placed[]
  /** How many partitions another broker leads than the first of their replicas. */
  misled: number
  /** Node id of the active controller. */
  controller: number
  /** Nodes that vote for it. */
  voters: number
}

/** A partition and the node ids of its replicas; the first one leads where it can. */
export interface Placed {
  topic: string
  partition: number
  replicas: readonly number[]
}

/** Kafka did not answer, or refused; the message says which server and why. */
export class TopicsUnavailable extends Error {}
