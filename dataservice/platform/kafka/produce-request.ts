/** Produce, version 9 (Kafka 2.8 and later): the library's own encoder would encode every record a second time. */
import { type Reader, Writer } from '@platformatic/kafka'
import { type Call, errorName } from './link.ts'

export interface ProducePart {
  partition: number
  batch: Buffer
}

/** A broker's word on one partition; `baseOffset` is -1 when it names none. */
export interface ProduceAnswer {
  partition: number
  /** `NONE` or the name of Kafka's error. */
  error: string
  baseOffset: bigint
}

const apiKey = 0
const apiVersion = 9
const acksAll = -1

/** One request with one batch for each partition; the broker waits up to `timeoutMs` for all replicas in sync. */
export function produce(
  topic: string,
  parts: readonly ProducePart[],
  timeoutMs: number,
): Call<ProduceAnswer[]> {
  return (connection, done) =>
    connection.send(apiKey, apiVersion, () => encode(topic, parts, timeoutMs), decode, true, true, done)
}

function encode(topic: string, parts: readonly ProducePart[], timeoutMs: number): Writer {
  const writer = Writer.create().appendString(null).appendInt16(acksAll).appendInt32(timeoutMs)
  return writer
    .appendArray([topic], topicWriter => {
      topicWriter.appendString(topic).appendArray([...parts], (partWriter, { partition, batch }) => {
        partWriter
          .appendInt32(partition)
          .appendUnsignedVarInt(batch.length + 1)
          .append(batch)
      })
    })
    .appendTaggedFields()
}

/** Every partition the answer names; a partition that was sent and is not named here has no outcome. */
function decode(_correlation: number, _key: number, _version: number, reader: Reader): ProduceAnswer[] {
  const topics = reader.readArray(topicReader => {
    topicReader.readString()
    return topicReader.readArray(readPartition)
  })
  return topics.flat()
}

function readPartition(reader: Reader): ProduceAnswer {
  const partition = reader.readInt32()
  const error = errorName(reader.readInt16())
  const baseOffset = reader.readInt64()
  reader.readInt64() // log append time
  reader.readInt64() // log start
  reader.readArray(recordError => {
    recordError.readInt32()
    recordError.readNullableString()
  })
  reader.readNullableString() // message
  return { partition, error, baseOffset }
}
