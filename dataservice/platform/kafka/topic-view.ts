/** What the brokers say of one topic: its partitions, their leaders, and where the brokers are. */
import { metadataV12, type Reader } from '@platformatic/kafka'
import { type Address, type Call, errorName } from './link.ts'

export interface Leader {
  broker: number
  epoch: number
}

export interface TopicView {
  clusterId: string
  topicId: string
  brokers: ReadonlyMap<number, Address>
  partitions: number
  /** Replicas of the partition that has the fewest. */
  replicas: number
  /** Partitions without a leader are absent. */
  leaders: ReadonlyMap<number, Leader>
}

/** Asks a broker for the topic. A topic that the broker does not know is a failure; a partition without leader is not. */
export function describeTopic(topic: string): Call<TopicView> {
  return (connection, done) =>
    findTopic(topic)(connection, (error, found) => {
      if (error || found?.view) done(error, found?.view)
      else done(new Error(`no metadata of the topic: ${found?.error ?? 'no answer'}`))
    })
}

/** `view` is absent where the broker answers with an error, for example `UNKNOWN_TOPIC_OR_PARTITION`. */
export interface Found {
  error: string
  view?: TopicView
}

export function findTopic(topic: string): Call<Found> {
  const { key, version } = metadataV12.api
  return (connection, done) =>
    connection.send(
      key,
      version,
      () => metadataV12.createRequest([topic], false, false),
      decode,
      true,
      true,
      done,
    )
}

function decode(_correlation: number, _key: number, _version: number, reader: Reader): Found {
  reader.readInt32() // throttle time
  const brokers = new Map(reader.readArray(readBroker))
  const clusterId = reader.readNullableString() ?? ''
  reader.readInt32() // controller
  const [topic] = reader.readArray(readTopic)
  if (topic?.error !== 'NONE') return { error: topic?.error ?? 'UNKNOWN_TOPIC_OR_PARTITION' }
  const { topicId, partitions } = topic
  const known = partitions.filter(({ leader }) => leader.broker >= 0)
  const view = {
    clusterId,
    topicId,
    brokers,
    partitions: partitions.length,
    replicas: Math.min(...partitions.map(({ replicas }) => replicas)),
    leaders: new Map(known.map(({ partition, leader }) => [partition, leader])),
  }
  return { error: 'NONE', view }
}

function readBroker(reader: Reader): [number, Address] {
  const id = reader.readInt32()
  const address = { host: reader.readString(), port: reader.readInt32() }
  reader.readNullableString() // rack
  return [id, address]
}

function readTopic(reader: Reader) {
  const error = errorName(reader.readInt16())
  reader.readNullableString() // name
  const topicId = reader.readUUID()
  reader.readBoolean() // internal
  const partitions = reader.readArray(readPartition)
  reader.readInt32() // authorized operations
  return { error, topicId, partitions }
}

function readPartition(reader: Reader) {
  reader.readInt16() // error: a missing leader shows below
  const partition = reader.readInt32()
  const leader = { broker: reader.readInt32(), epoch: reader.readInt32() }
  const readNodes = () => reader.readArray(nodes => nodes.readInt32(), true, false)
  const replicas = readNodes()?.length ?? 0
  readNodes() // in sync
  readNodes() // offline
  return { partition, leader, replicas }
}

/** Brokers learn of a new leader at different times: what an older answer says of a partition is not taken back. */
export function newerOf(known: TopicView | undefined, fresh: TopicView): TopicView {
  if (!known || known.topicId !== fresh.topicId || known.clusterId !== fresh.clusterId) return fresh
  const leaders = new Map(fresh.leaders)
  for (const [partition, leader] of known.leaders) {
    const other = leaders.get(partition)
    if (other && other.epoch < leader.epoch) leaders.set(partition, leader)
  }
  const brokers = new Map([...known.brokers, ...fresh.brokers])
  return { ...fresh, brokers, partitions: Math.max(known.partitions, fresh.partitions), leaders }
}
