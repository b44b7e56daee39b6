/** Produce, version 9 (Kafka 2.8 and later): the library's own encoder would encode every record a second time. */
import type { Socket } from 'node:net'
import { type Connection, type Reader, Writer } from '@platformatic/kafka'
import { type Call, errorName } from './link.ts'
import type { Acks } from './port.ts'

export interface ProducePart {
  partition: number
  batch: Buffer
}

/** A broker's word on one partition; `baseOffset` is -1 when it names none. */
export interface ProduceAnswer {
  partition: number
  /** `NONE`, the name of Kafka's error, or `SENT` where no broker answers (acks=0). */
  error: string
  baseOffset: bigint
}

const apiKey = 0
const apiVersion = 9
const acksCodes: Readonly<Record<Acks, number>> = { all: -1, 1: 1, 0: 0 }

export interface ProduceOptions {
  acks: Acks
  /** How long the broker may wait for the replicas. */
  timeoutMs: number
}

/** One request with one batch for each partition. */
export function produce(
  topic: string,
  parts: readonly ProducePart[],
  options: ProduceOptions,
): Call<ProduceAnswer[]> {
  return (connection, done) => {
    const request = () => encode(topic, parts, options)
    if (options.acks !== 0) connection.send(apiKey, apiVersion, request, decode, true, true, done)
    else sendOnly(connection, request, error => done(error, parts.map(sent)))
  }
}

const sent = ({ partition }: ProducePart): ProduceAnswer => ({ partition, error: 'SENT', baseOffset: -1n })

/** Ends when the socket took the request; the broker answers nothing. */
function sendOnly(connection: Connection, request: () => Writer, done: (error: Error | null) => void): void {
  const unanswered = () => {
    const writer = request()
    writer.context.noResponse = true
    return writer
  }
  connection.send(
    apiKey,
    apiVersion,
    unanswered,
    () => true,
    true,
    true,
    error => {
      const { socket } = connection
      if (error || !socket?.writableNeedDrain) done(error)
      else whenDrained(socket, done)
    },
  )
}

/** A broker that takes nothing must not let the memory fill with what was sent to it. */
function whenDrained(socket: Socket, done: (error: Error | null) => void): void {
  const end = () => {
    socket.off('drain', end).off('close', end)
    done(socket.destroyed ? new Error('the connection ended') : null)
  }
  socket.on('drain', end).on('close', end)
}

function encode(topic: string, parts: readonly ProducePart[], { acks, timeoutMs }: ProduceOptions): Writer {
  const writer = Writer.create().appendString(null).appendInt16(acksCodes[acks]).appendInt32(timeoutMs)
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
