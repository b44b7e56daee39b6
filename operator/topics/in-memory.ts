/** A twin of the Kafka administration for tests of the loop; it passes the same contract suite as the real one. */
import type { ObservedTopic, TopicChange } from '#operator/desired/kafka-topics.ts'
import { inMemoryAccess } from './in-memory-access.ts'
import { type LogAddress, type LogHealth, type LogRoom, type TopicsPort, TopicsUnavailable } from './port.ts'

export interface InMemoryTopics extends TopicsPort {
  /** Until set back, every call fails as if no broker answered. */
  away: boolean
  /** What `health` answers. */
  healthy: LogHealth
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
    healthy: { lacking: [], thin: [], misled: 0, controller: 0, voters: 1 },
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
    health: async log => {
      answer(log)
      return port.healthy
    },
    elect: async log => {
      answer(log)
      port.healthy = { ...port.healthy, misled: 0 }
    },
    replicate: async (log, partitions) => {
      answer(log)
      const placed = new Set(partitions.map(({ topic, partition }) => `${topic}/${partition}`))
      const thin = port.healthy.thin.filter(({ topic, partition }) => !placed.has(`${topic}/${partition}`))
      port.healthy = { ...port.healthy, thin }
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
