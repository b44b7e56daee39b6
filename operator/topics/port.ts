/** What the operator needs of a Kafka cluster's administration. */
import type { ObservedTopic, TopicChange } from '#operator/desired/kafka-topics.ts'

export interface TopicsPort {
  /**
   * Those of the named topics that exist, with the values of the named settings. Rejects with TopicsUnavailable
   * when no broker answers in time.
   */
  describe(servers: readonly string[], names: readonly string[]): Promise<ObservedTopic[]>
  /** Makes the changes, in order. A topic that exists already is fine. Rejects with TopicsUnavailable. */
  change(servers: readonly string[], changes: readonly TopicChange[]): Promise<void>
  /** How whole the cluster is, over all topics. Rejects with TopicsUnavailable. */
  health(servers: readonly string[]): Promise<LogHealth>
}

export interface LogHealth {
  /** Partitions that lack a replica in sync, as `topic/number`. */
  lacking: readonly string[]
  /** Node id of the active controller. */
  controller: number
}

/** Kafka did not answer, or refused; the message says which server and why. */
export class TopicsUnavailable extends Error {}
