/** Questions about one partition that its leader answers. */
import { listOffsetsV7 } from '@platformatic/kafka'
import { Batches } from './batches.ts'
import type { Cluster } from './cluster.ts'
import { fetchPart } from './fetch-request.ts'
import { type Call, NotSent } from './link.ts'
import type { LogRange, LogRecord, Offset } from './port.ts'

const timeoutMs = 3000
const earliest = -2n
const latest = -1n
const anyReplica = -1
const readUncommitted = 0
/** The batch that holds the record comes whole, however large it is, and none after it. */
const maxBytes = 1

/** The bounds of a partition. Rejects when its leader does not answer. */
export async function logRange(cluster: Cluster, partition: number): Promise<LogRange> {
  const [start, end] = await Promise.all([
    offsetAt(cluster, partition, earliest),
    offsetAt(cluster, partition, latest),
  ])
  return { start, end }
}

/** The first offset at or after a time; the end where there is none. Rejects like `logRange`. */
export async function offsetSince(cluster: Cluster, partition: number, time: number): Promise<Offset> {
  const found = await askOffset(cluster, partition, BigInt(Math.floor(time)))
  return found !== undefined && found >= 0n ? found : offsetAt(cluster, partition, latest)
}

/** The record at an offset; undefined when the log does not hold it. Rejects when the leader does not answer. */
export async function recordAt(
  cluster: Cluster,
  partition: number,
  position: Offset,
): Promise<LogRecord | undefined> {
  const { broker, epoch } = leaderOf(cluster, partition)
  const { topicId } = await cluster.view()
  const part = { topicId, partition, leaderEpoch: epoch, position, lastEpoch: -1, maxBytes, maxWaitMs: 0 }
  const { error, batches } = await cluster.link('query', broker).request(fetchPart(part), timeoutMs)
  if (error === 'OFFSET_OUT_OF_RANGE') return undefined
  if (error !== 'NONE') throw new Error(`record at ${position} of partition ${partition}: ${error}`)
  const [record] = new Batches({ bytes: batches, partition, position }).take(1)
  return record?.offset === position ? record : undefined
}

async function offsetAt(cluster: Cluster, partition: number, timestamp: bigint): Promise<Offset> {
  const offset = await askOffset(cluster, partition, timestamp)
  if (offset === undefined || offset < 0n) throw new Error(`no bounds of partition ${partition}`)
  return offset
}

async function askOffset(
  cluster: Cluster,
  partition: number,
  timestamp: bigint,
): Promise<Offset | undefined> {
  const { broker, epoch } = leaderOf(cluster, partition)
  const partitions = [{ partitionIndex: partition, currentLeaderEpoch: epoch, timestamp }]
  const call: Call<listOffsetsV7.ListOffsetsResponse> = (connection, done) =>
    listOffsetsV7.api(connection, anyReplica, readUncommitted, [{ name: cluster.topic, partitions }], done)
  const { topics } = await cluster.link('query', broker).request(call, timeoutMs)
  return topics[0]?.partitions[0]?.offset
}

function leaderOf(cluster: Cluster, partition: number) {
  const leader = cluster.lastView?.leaders.get(partition)
  if (!leader) throw new NotSent(`partition ${partition} has no leader`)
  return leader
}
