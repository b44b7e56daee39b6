/**
 * Fetch, version 13 (Kafka 3.1 and later), of one partition; record batches stay bytes.
 * The topic is named by its id: one that was deleted and made anew is another log.
 */
import { fetchV13, Reader, type Writer } from '@platformatic/kafka'
import { type Call, errorName } from './link.ts'
import type { Offset } from './port.ts'

export interface FetchPart {
  topicId: string
  partition: number
  leaderEpoch: number
  position: Offset
  /** Leader epoch of the record before the position, -1 when not known: the broker checks it against its log. */
  lastEpoch: number
  maxBytes: number
  /** How long the broker waits for the first byte. */
  maxWaitMs: number
}

export interface FetchAnswer {
  /** `NONE` or the name of Kafka's error. */
  error: string
  /** The log went another way before the position: it was truncated and written anew. */
  isDiverging: boolean
  batches: Buffer
}

const readUncommitted = 0
const sessionless = { id: 0, epoch: -1 } as const

export function fetchPart(part: FetchPart): Call<FetchAnswer> {
  return (connection, done) =>
    connection.send(fetchV13.api.key, fetchV13.api.version, () => encode(part), decode, true, true, done)
}

function encode(part: FetchPart): Writer {
  const { topicId, partition, leaderEpoch, position, lastEpoch, maxBytes, maxWaitMs } = part
  const request = {
    partition,
    currentLeaderEpoch: leaderEpoch,
    fetchOffset: position,
    lastFetchedEpoch: lastEpoch,
    partitionMaxBytes: maxBytes,
  }
  const topics = [{ topicId, partitions: [request] }]
  const { id, epoch } = sessionless
  return fetchV13.createRequest(maxWaitMs, 1, maxBytes, readUncommitted, id, epoch, topics, [], '')
}

function decode(_correlation: number, _key: number, _version: number, answer: Reader): FetchAnswer {
  // One piece, so that batches are windows into it.
  const reader = Reader.from(answer.buffer.slice())
  reader.position = answer.position
  reader.readInt32() // throttle time
  const error = errorName(reader.readInt16())
  reader.readInt32() // session
  const topics = reader.readArray(topicReader => {
    topicReader.readUUID()
    return topicReader.readArray(readPartition, true, false)
  })
  const [part] = topics.flat()
  if (part && error === 'NONE') return part
  return { error: error === 'NONE' ? 'UNKNOWN_SERVER_ERROR' : error, isDiverging: false, batches: nothing }
}

const nothing = Buffer.alloc(0)
const divergingEpochTag = 0

function readPartition(reader: Reader): FetchAnswer {
  reader.readInt32() // partition
  const error = errorName(reader.readInt16())
  reader.skip(24) // high watermark, last stable offset, log start
  reader.readNullableArray(aborted => aborted.skip(16)) // transactions
  reader.readInt32() // preferred read replica
  const batches = reader.readNullableBytes() ?? nothing
  return { error, isDiverging: readTags(reader).has(divergingEpochTag), batches }
}

/** Tagged fields present; their values are skipped. */
function readTags(reader: Reader): ReadonlySet<number> {
  const tags = new Set<number>()
  const count = reader.readUnsignedVarInt()
  for (let index = 0; index < count; index++) {
    tags.add(reader.readUnsignedVarInt())
    reader.skip(reader.readUnsignedVarInt())
  }
  return tags
}
