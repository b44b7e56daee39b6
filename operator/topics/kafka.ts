/** The administration of Kafka by kafkajs. One short connection for each call: an idle DataService holds none. */
import type { Connection } from '@platformatic/kafka'
import kafkajs, { type Admin } from 'kafkajs'
import type { ObservedTopic, TopicChange } from '#operator/desired/kafka-topics.ts'
import { placeOf } from '#operator/desired/place.ts'
import { accessOf, changeAccess } from './access.ts'
import { quorumOf } from './active-controller.ts'
import { type Way, withBroker } from './broker-connection.ts'
import { confinedTo, isBeside } from './confined.ts'
import { electPreferredLeaders } from './elect-leaders.ts'
import { type Call, failureOf } from './failure.ts'
import type { Identities, Identity } from './identities.ts'
import { brokerDisks, lagTenths } from './log-room.ts'
import type { LogAddress, LogHealth, Placed, TopicsPort } from './port.ts'

/** A call that takes longer counts as failed; the reconcile loop comes again. */
const connectionTimeout = 3_000
const requestTimeout = 10_000
/** All calls of one look together: with brokers that come and go, kafkajs would go on trying for a minute. */
const lookTimeout = 20_000

/** A CommonJS package: Node does not see all of its names. */
const { ConfigResourceTypes, Kafka, logLevel } = kafkajs

const plain: Identities = async () => undefined

/** `identityOf`: what is shown to brokers; default: they are plain. */
export function kafkaTopics(identityOf: Identities = plain): TopicsPort {
  const ask = <T>(call: Call, log: LogAddress, use: (admin: Admin, way: Way) => Promise<T>): Promise<T> =>
    withAdmin(log, identityOf, use).catch(cause => Promise.reject(failureOf(call, log, cause)))
  return {
    describe: (log, names) => ask('describe', log, admin => describe(admin, names)),
    change: (log, changes) =>
      ask('change', log, async admin => {
        for (const change of changes) await make(admin, change)
      }),
    health: (log, copies) => ask('health', log, (admin, way) => health(admin, log.servers, { way, copies })),
    elect: log =>
      ask('elect', log, (_, way) =>
        electPreferredLeaders(log.servers[0] ?? '', { ...way, timeoutMs: requestTimeout }),
      ),
    replicate: (log, partitions) => ask('replicate', log, admin => replicate(admin, partitions)),
    ends: (log, topic) => ask('ends', log, admin => ends(admin, topic)),
    access: (log, prefix) =>
      ask('access', log, (_, way) => withFirst(log, way, connection => accessOf(connection, prefix))),
    changeAccess: (log, changes) =>
      ask('changeAccess', log, (_, way) =>
        withFirst(log, way, connection => changeAccess(connection, changes)),
      ),
    room: (log, question) =>
      ask('room', log, async (admin, way) => {
        const { brokers } = await admin.describeCluster()
        const own = brokers.filter(({ host }) => isBeside(log.servers, host))
        const disks = await brokerDisks(own, way)
        return { lagTenths: await lagTenths(admin, question), disks }
      }),
  }
}

/** Any broker passes on what only the controller may do. */
const withFirst = <T>(
  { servers }: LogAddress,
  way: Way,
  use: (connection: Connection) => Promise<T>,
): Promise<T> => withBroker(placeOf(servers[0] ?? ''), { ...way, timeoutMs: requestTimeout }, use)

async function withAdmin<T>(
  log: LogAddress,
  identityOf: Identities,
  use: (admin: Admin, way: Way) => Promise<T>,
): Promise<T> {
  let admin: Admin | undefined
  try {
    const ssl = await identityOf(log)
    const opened = adminOf(log, ssl)
    admin = opened
    const way = { timeoutMs: connectionTimeout, ...(ssl && { tls: ssl }) }
    return await inTime(opened.connect().then(() => use(opened, way)))
  } finally {
    await admin?.disconnect().catch(() => {}) // nothing is lost with a connection that is gone already
  }
}

const adminOf = ({ servers }: LogAddress, ssl: Identity | undefined): Admin =>
  new Kafka({
    clientId: 'dataservice-operator',
    brokers: [...servers],
    connectionTimeout,
    requestTimeout,
    retry: { retries: 1, initialRetryTime: 200 },
    logLevel: logLevel.NOTHING,
    socketFactory: confinedTo(servers),
    ...(ssl && { ssl }),
  }).admin()

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

async function health(
  admin: Admin,
  servers: readonly string[],
  { way, copies }: { way: Way; copies: number },
): Promise<LogHealth> {
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
    ...(await quorumOf(servers, way)),
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
