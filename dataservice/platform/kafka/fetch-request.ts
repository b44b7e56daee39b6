/** Fetch, version 12 (Kafka 2.7 and later), of one partition; record batches stay bytes. */
import { fetchV12, Reader } from '@platformatic/kafka'
import { type Call, errorName } from './link.ts'
import type { Offset } from './port.ts'

export interface FetchPart {
  topic: string
  partition: number
  leaderEpoch: number
  position: Offset
  maxBytes: number
  /** How long the broker waits for the first byte. */
  maxWaitMs: number
}

export interface FetchAnswer {
  /** `NONE` or the name of Kafka's error. */
  error: string
  batches: Buffer
}

const readUncommitted = 0
const sessionless = { id: 0, epoch: -1 } as const

export function fetchPart(part: FetchPart): Call<FetchAnswer> {
  return (connection, done) =>
    connection.send(fetchV12.api.key, fetchV12.api.version, () => encode(part), decode, true, true, done)
}

function encode({ topic, partition, leaderEpoch, position, maxBytes, maxWaitMs }: FetchPart) {
  const { id, epoch } = sessionless
  const partitions = [
    {
      partition,
      currentLeaderEpoch: leaderEpoch,
      fetchOffset: position,
      lastFetchedEpoch: -1,
      partitionMaxBytes: maxBytes,
    },
  ]
  // The library calls the field topicId; up to version 12 it is the topic's name.
  return fetchV12.createRequest(
    maxWaitMs,
    1,
    maxBytes,
    readUncommitted,
    id,
    epoch,
    [{ topicId: topic, partitions }],
    [],
    '',
  )
}

function decode(_correlation: number, _key: number, _version: number, answer: Reader): FetchAnswer {
  const reader = Reader.from(answer.buffer.slice())
  reader.position = answer.position
  reader.readInt32() // throttle time
  const error = errorName(reader.readInt16())
  reader.readInt32() // session
  const topics = reader.readArray(topicReader => {
    topicReader.readString()
    return topicReader.readArray(readPartition)
  })
  const [part] = topics.flat()
  if (error !== 'NONE' || !part)
    return { error: error === 'NONE' ? 'UNKNOWN_SERVER_ERROR' : error, batches: Buffer.alloc(0) }
  return part
}

function readPartition(reader: Reader): FetchAnswer {
  reader.readInt32() // partition
  const error = errorName(reader.readInt16())
  reader.skip(24) // high watermark, last stable offset, log start
  reader.readNullableArray(aborted => aborted.skip(16)) // transactions
  reader.readInt32() // preferred read replica
  return { error, batches: reader.readNullableBytes() ?? Buffer.alloc(0) }
}
