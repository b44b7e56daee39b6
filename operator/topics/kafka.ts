/** The administration of Kafka by kafkajs. One short connection for each call: an idle DataService holds none. */
import kafkajs, { type Admin } from 'kafkajs'
import type { ObservedTopic, TopicChange } from '#operator/desired/kafka-topics.ts'
import { quorumOf } from './active-controller.ts'
import { electPreferredLeaders } from './elect-leaders.ts'
import { brokerDisks, lagTenths } from './log-room.ts'
import { type LogHealth, type Placed, type TopicsPort, TopicsUnavailable } from './port.ts'

/** A call that takes longer counts as failed; the reconcile loop comes again. */
const connectionTimeout = 3_000
const requestTimeout = 10_000
/** All calls of one look together: with brokers that come and go, kafkajs would go on trying for a minute. */
const lookTimeout = 20_000

/** A CommonJS package: Node does not see all of its names. */
const { ConfigResourceTypes, Kafka, logLevel } = kafkajs

export function kafkaTopics(): TopicsPort {
  return {
    describe: (servers, names) => withAdmin(servers, admin => describe(admin, names)),
    change: (servers, changes) =>
      withAdmin(servers, async admin => {
        for (const change of changes) await make(admin, change)
      }),
    health: (servers, copies) => withAdmin(servers, admin => health(admin, servers, copies)),
    elect: async servers => {
      try {
        await electPreferredLeaders(servers[0] ?? '', requestTimeout)
      } catch (cause) {
        throw new TopicsUnavailable(`Kafka at ${servers[0] ?? '(no server)'}: ${String(cause)}`, { cause })
      }
    },
    replicate: (servers, partitions) => withAdmin(servers, admin => replicate(admin, partitions)),
    ends: (servers, topic) => withAdmin(servers, admin => ends(admin, topic)),
    room: (servers, question) =>
      withAdmin(servers, async admin => {
        const { brokers } = await admin.describeCluster()
        const disks = await brokerDisks(brokers, connectionTimeout)
        return { lagTenths: await lagTenths(admin, question), disks }
      }),
  }
}

async function withAdmin<T>(servers: readonly string[], use: (admin: Admin) => Promise<T>): Promise<T> {
  const kafka = new Kafka({
    clientId: 'dataservice-operator',
    brokers: [...servers],
    connectionTimeout,
    requestTimeout,
    retry: { retries: 1, initialRetryTime: 200 },
    logLevel: logLevel.NOTHING,
  })
  const admin = kafka.admin()
  try {
    return await inTime(admin.connect().then(() => use(admin)))
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause)
    throw new TopicsUnavailable(`Kafka at ${servers[0] ?? '(no server)'}: ${reason}`, { cause })
  } finally {
    await admin.disconnect().catch(() => {}) // nothing is lost with a connection that is gone already
  }
}

async function inTime<T>(work: Promise<T>): Promise<T> {
  const limit = Promise.withResolvers<never>()
  const late = () => limit.reject(new Error(`no answer within ${lookTimeout / 1_000} s`))
  const timer = setTimeout(late, lookTimeout)
  try {
    return await Promise.race([work, limit.promise])
  } finally {
    clearTimeout(timer)
  }
}

async function describe(admin: Admin, names: readonly string[]): Promise<ObservedTopic[]> {
  const existing = new Set(await admin.listTopics())
  const topics = names.filter(name => existing.has(name))
  if (topics.length === 0) return []
  const metadata = await admin.fetchTopicMetadata({ topics })
  const configs = await admin.describeConfigs({
    includeSynonyms: false,
    resources: topics.map(name => ({ type: ConfigResourceTypes.TOPIC, name })),
  })
  const partitionsOf = (name: string) => metadata.topics.find(topic => topic.name === name)?.partitions ?? []
  return topics.map(name => ({
    name,
    partitions: partitionsOf(name).length,
    inSync: Math.min(...partitionsOf(name).map(({ isr }) => isr.length)),
    config: Object.fromEntries(
      (configs.resources.find(resource => resource.resourceName === name)?.configEntries ?? []).map(entry => [
        entry.configName,
        entry.configValue,
      ]),
    ),
  }))
}

async function health(admin: Admin, servers: readonly string[], copies: number): Promise<LogHealth> {
  const { topics } = await admin.fetchTopicMetadata()
  const all = topics.flatMap(({ name: topic, partitions }) =>
    partitions.map(({ partitionId: partition, ...placed }) => ({ topic, partition, ...placed })),
  )
  const lacking = all.filter(({ isr, replicas }) => isr.length < replicas.length)
  const thin = all.filter(({ replicas }) => replicas.length < copies)
  return {
    lacking: lacking.map(({ topic, partition }) => `${topic}/${partition}`),
    thin: thin.map(({ topic, partition, replicas }) => ({ topic, partition, replicas })),
    misled: all.filter(({ leader, replicas }) => leader !== replicas[0]).length,
    ...(await quorumOf(servers, connectionTimeout)),
  }
}

async function replicate(admin: Admin, partitions: readonly Placed[]): Promise<void> {
  const byTopic = Map.groupBy(partitions, ({ topic }) => topic)
  await admin.alterPartitionReassignments({
    topics: [...byTopic].map(([topic, placed]) => ({
      topic,
      partitionAssignment: placed.map(({ partition, replicas }) => ({ partition, replicas: [...replicas] })),
    })),
  })
}

async function ends(admin: Admin, topic: string): Promise<ReadonlyMap<number, bigint>> {
  if (!(await admin.listTopics()).includes(topic)) return new Map()
  const bounds = await admin.fetchTopicOffsets(topic)
  return new Map(bounds.map(({ partition, high }) => [partition, BigInt(high)]))
}

async function make(admin: Admin, change: TopicChange): Promise<void> {
  switch (change.change) {
    case 'create': {
      const { name, partitions, replicationFactor, config } = change.topic
      const configEntries = entries(config)
      await admin.createTopics({
        waitForLeaders: true,
        topics: [{ topic: name, numPartitions: partitions, replicationFactor, configEntries }],
      })
      return
    }
    case 'grow':
      await admin.createPartitions({ topicPartitions: [{ topic: change.name, count: change.partitions }] })
      return
    case 'configure':
      // Replaces all settings of the topic: what others set by hand goes back to the broker's default.
      await admin.alterConfigs({
        validateOnly: false,
        resources: [
          { type: ConfigResourceTypes.TOPIC, name: change.name, configEntries: entries(change.config) },
        ],
      })
      return
    default:
      change satisfies never
  }
}

const entries = (config: Record<string, string>) =>
  Object.entries(config).map(([name, value]) => ({ name, value }))
