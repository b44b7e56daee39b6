/** Looks after topics: for a Kafka whose topics the operator cannot reach. */
import {
  ConfigResourceTypes,
  createPartitionsV3,
  createTopicsV7,
  deleteTopicsV6,
  describeConfigsV4,
  IncrementalAlterConfigOperationTypes,
  incrementalAlterConfigsV1,
} from '@platformatic/kafka'
import { Cluster, type ClusterOptions, parseAddress } from './cluster.ts'
import { type Call, Link } from './link.ts'
import { logRange } from './log-query.ts'
import { type Found, findTopic } from './topic-view.ts'

export interface TopicAdmin {
  /** Whatever the broker says of it. */
  find(topic: string): Promise<Found>
  /** The values in force of the named settings, as far as the broker tells them. */
  configOf(topic: string, names: readonly string[]): Promise<ReadonlyMap<string, string>>
  /** Whether nobody has ever written to it. */
  isUnused(topic: string): Promise<boolean>
  /** Answers its id. */
  create(topic: NewTopic): Promise<string>
  grow(topic: string, partitions: number): Promise<void>
  /** With all its records. */
  remove(topic: string): Promise<void>
  /** Sets the named settings and leaves all others. */
  configure(topic: string, config: Readonly<Record<string, string>>): Promise<void>
  close(): void
}

export interface NewTopic {
  name: string
  partitions: number
  replicationFactor: number
  config: Readonly<Record<string, string>>
}

const timeoutMs = 10_000

/** Resolves with the first broker that can be asked. Rejects with the failure of the last; calls reject like those of a link. */
export async function openTopicAdmin(options: Omit<ClusterOptions, 'topic'>): Promise<TopicAdmin> {
  const { brokers, connectTimeoutMs = 1000, ...way } = options
  let last: unknown = new Error('no broker to ask')
  for (const broker of brokers) {
    const link = new Link(parseAddress(broker), { ...way, connectTimeoutMs })
    try {
      await link.request(findTopic('__consumer_offsets'), timeoutMs)
      return adminOver(link, options)
    } catch (error) {
      link.close()
      last = error
    }
  }
  throw last
}

/** The leader of each partition is asked, on connections of its own. */
async function isUnused(options: ClusterOptions): Promise<boolean> {
  const cluster = new Cluster(options)
  try {
    const { partitions } = await cluster.view()
    const all = Array.from({ length: partitions }, (_, partition) => logRange(cluster, partition))
    return (await Promise.all(all)).every(({ end }) => end === 0n)
  } finally {
    cluster.close()
  }
}

function adminOver(link: Link, options: Omit<ClusterOptions, 'topic'>): TopicAdmin {
  const ask = <Answer>(call: Call<Answer>): Promise<Answer> => link.request(call, timeoutMs)
  return {
    find: topic => ask(findTopic(topic)),
    async configOf(topic, names) {
      const resource = {
        resourceType: ConfigResourceTypes.TOPIC,
        resourceName: topic,
        configurationKeys: [...names],
      }
      const { results } = await ask<describeConfigsV4.DescribeConfigsResponse>((connection, done) =>
        describeConfigsV4.api(connection, [resource], false, false, done),
      )
      return new Map(
        results.flatMap(({ configs }) => configs.map(({ name, value }) => [name, value ?? ''] as const)),
      )
    },
    isUnused: topic => isUnused({ ...options, topic }),
    async create({ name, partitions: numPartitions, replicationFactor, config }) {
      const topic = { name, numPartitions, replicationFactor, assignments: [], configs: entries(config) }
      const { topics } = await ask<createTopicsV7.CreateTopicsResponse>((connection, done) =>
        createTopicsV7.api(connection, [topic], timeoutMs, false, done),
      )
      return topics[0]?.topicId ?? ''
    },
    async grow(name, count) {
      await ask<createPartitionsV3.CreatePartitionsResponse>((connection, done) =>
        createPartitionsV3.api(connection, [{ name, count, assignments: null }], timeoutMs, false, done),
      )
    },
    async remove(name) {
      await ask<deleteTopicsV6.DeleteTopicsResponse>((connection, done) =>
        deleteTopicsV6.api(connection, [{ name }], timeoutMs, done),
      )
    },
    async configure(topic, config) {
      const configOperation = IncrementalAlterConfigOperationTypes.SET
      const configs = entries(config).map(each => ({ ...each, configOperation }))
      const resource = { resourceType: ConfigResourceTypes.TOPIC, resourceName: topic, configs }
      await ask<incrementalAlterConfigsV1.IncrementalAlterConfigsResponse>((connection, done) =>
        incrementalAlterConfigsV1.api(connection, [resource], false, done),
      )
    },
    close: () => link.close(),
  }
}

const entries = (config: Readonly<Record<string, string>>) =>
  Object.entries(config).map(([name, value]) => ({ name, value }))
