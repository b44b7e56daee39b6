/** A twin of the Kafka administration for tests of the loop; it passes the same contract suite as the real one. */
import type { ObservedTopic, TopicChange } from '#operator/desired/kafka-topics.ts'
import { inMemoryAccess } from './in-memory-access.ts'
import { type LogAddress, type LogRoom, type Placed, type TopicsPort, TopicsUnavailable } from './port.ts'

export interface InMemoryTopics extends TopicsPort {
  /** Until set back, every call fails as if no broker answered. */
  away: boolean
  /** What `room` answers. */
  roomy: LogRoom
  /** Records in each partition of a topic; absent: none. */
  filled: Map<string, readonly number[]>
  /** Whether it asks anybody for rights. */
  guarded: boolean
  /** Passwords of users. */
  passwords: Map<string, string>
}

const gibibyte = 1024 ** 3

export function inMemoryTopics(): InMemoryTopics {
  const topics = new Map<string, ObservedTopic>()
  const port: InMemoryTopics = {
    away: false,
    roomy: { lagTenths: 0, disks: [{ broker: 0, totalBytes: 10 * gibibyte, usableBytes: 9 * gibibyte }] },
    filled: new Map(),
    guarded: true,
    ...inMemoryAccess(log => {
      answer(log)
      return port.guarded
    }),
    ends: async (log, topic) => {
      answer(log)
      const { partitions = 0 } = topics.get(topic) ?? {}
      const filled = port.filled.get(topic) ?? []
      return new Map(Array.from({ length: partitions }, (_, index) => [index, BigInt(filled[index] ?? 0)]))
    },
    describe: async (log, names) => {
      answer(log)
      return names.flatMap(name => topics.get(name) ?? [])
    },
    change: async (log, changes) => {
      answer(log)
      for (const change of changes) make(topics, change)
    },
    // A replica has caught up at once, the first one leads, and every broker that is there votes.
    health: async (log, copies) => {
      answer(log)
      const thin = [...topics.values()].flatMap(topic => thinPartitions(topic, copies))
      return { lacking: [], thin, misled: 0, controller: 0, voters: log.servers.length }
    },
    elect: async log => answer(log),
    replicate: async (log, partitions) => {
      answer(log)
      for (const { topic, replicas } of partitions)
        if (topics.has(topic)) update(topics, topic, found => ({ ...found, inSync: replicas.length }))
    },
    room: async log => {
      answer(log)
      return port.roomy
    },
  }
  const answer = ({ servers }: LogAddress): void => {
    if (port.away) throw new TopicsUnavailable(`Kafka at ${servers[0]}: no answer`)
  }
  return port
}

function thinPartitions({ name, partitions, inSync }: ObservedTopic, copies: number): Placed[] {
  if (inSync >= copies) return []
  const replicas = Array.from({ length: inSync }, (_, broker) => broker)
  return Array.from({ length: partitions }, (_, partition) => ({ topic: name, partition, replicas }))
}

function make(topics: Map<string, ObservedTopic>, change: TopicChange): void {
  switch (change.change) {
    case 'create': {
      const { name, partitions, replicationFactor: inSync, config } = change.topic
      if (!topics.has(name)) topics.set(name, { name, partitions, inSync, config: { ...config } })
      return
    }
    case 'grow':
      update(topics, change.name, topic => ({ ...topic, partitions: change.partitions }))
      return
    case 'configure':
      update(topics, change.name, topic => ({ ...topic, config: { ...change.config } }))
      return
    default:
      change satisfies never
  }
}

function update(
  topics: Map<string, ObservedTopic>,
  name: string,
  next: (topic: ObservedTopic) => ObservedTopic,
): void {
  const topic = topics.get(name)
  if (topic === undefined) throw new TopicsUnavailable(`topic ${name} does not exist`)
  topics.set(name, next(topic))
}
