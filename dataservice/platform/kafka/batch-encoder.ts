/** Kafka's record batch, format 2: records in, bytes out. The broker stores these bytes as they are. */
import { constants, zstdCompressSync } from 'node:zlib'
import { compressionsAlgorithms, crc32c } from '@platformatic/kafka'
import { field } from './batch-layout.ts'
import type { Headers, NewRecord, SharedHeaders } from './port.ts'

/** Who appends, and where this batch stands in the producer's row for its partition. */
export interface Sequence {
  producerId: bigint
  producerEpoch: number
  /** Number of the batch's first record. */
  first: number
}

/** A batch whose sequence can be set later, more than once. */
export interface EncodedBatch {
  readonly count: number
  readonly bytes: Buffer
}

/** Length -1, zigzag. */
const noValue = 1

/** A codec of Kafka, by its number in the attributes. */
interface Codec {
  attribute: number
  compress(body: Buffer): Buffer
}

const none: Codec = { attribute: 0, compress: body => body }
/** Costs little to begin with: a small batch takes a quarter of the time that zstd takes, and so it does to read. */
const lz4: Codec = { attribute: 3, compress: body => compressionsAlgorithms.lz4.compressSync(body) }
/** Makes a large batch half as long as lz4. Level 1: a third of the default level's time for nearly its ratio on JSON. */
const zstdOptions = { params: { [constants.ZSTD_c_compressionLevel]: 1 } }
const zstd: Codec = { attribute: 4, compress: body => zstdCompressSync(body, zstdOptions) }

/**
 * By the bytes of the records. Whatever its size, each batch packed by zstd leaves 18 KiB that only a collection of the
 * whole heap takes (Node keeps the native state past the young ones): a large batch is worth that.
 */
function codecFor(bytes: number): Codec {
  if (bytes <= 4 * 1024) return none
  return bytes <= 256 * 1024 ? lz4 : zstd
}

/** Most bytes that one batch may have, compressed or not: a broker's default `max.message.bytes` is 12 bytes more. */
export const maxBatchBytes = 1_048_576

/** Bytes that records take in a batch, before compression; callers cut by it so that a batch fits `maxBatchBytes`. */
export function batchBytes(records: readonly NewRecord[]): number {
  let total: number = field.records
  for (let index = 0; index < records.length; index++) total += recordBytes(records[index], index)
  return total
}

/** Encodes headers once for all the records that have them. */
export function sharedHeaders(headers: Headers): SharedHeaders {
  const bytes = Buffer.allocUnsafe(headerBytes(headers))
  writeHeaders(bytes, 0, headers)
  return { headers, count: Object.keys(headers).length, bytes }
}

/**
 * Encodes records (at least one) with one timestamp for all; the sequence is still to be set.
 * `size` is `batchBytes(records)`, for whoever knows it already.
 */
export function encodeBatch(
  records: readonly NewRecord[],
  timestamp: number,
  size: number = batchBytes(records),
): EncodedBatch {
  const plain = Buffer.allocUnsafe(size)
  let at: number = field.records
  for (let index = 0; index < records.length; index++) at = writeRecord(plain, at, records[index], index)
  const body = plain.subarray(field.records)
  const { attribute, compress } = codecFor(body.length)
  const compressed = compress(body)
  const isSmaller = compressed.length < body.length
  const bytes = isSmaller ? Buffer.concat([plain.subarray(0, field.records), compressed]) : plain
  writeHeader(bytes, records.length, timestamp, isSmaller ? attribute : 0)
  return { count: records.length, bytes }
}

/** Sets the sequence and the checksum over it. */
export function setSequence({ bytes }: EncodedBatch, { producerId, producerEpoch, first }: Sequence): void {
  bytes.writeBigInt64BE(producerId, field.producerId)
  bytes.writeInt16BE(producerEpoch, field.producerEpoch)
  bytes.writeInt32BE(first, field.baseSequence)
  bytes.writeUInt32BE(crc32c(bytes.subarray(field.attributes)), field.crc)
}

function writeHeader(bytes: Buffer, count: number, timestamp: number, attributes: number): void {
  bytes.fill(0, 0, field.records)
  bytes.writeInt32BE(bytes.length - field.leaderEpoch, field.length)
  bytes.writeInt32BE(-1, field.leaderEpoch)
  bytes.writeInt8(2, field.magic)
  bytes.writeInt16BE(attributes, field.attributes)
  bytes.writeInt32BE(count - 1, field.lastOffsetDelta)
  bytes.writeBigInt64BE(BigInt(timestamp), field.baseTimestamp)
  bytes.writeBigInt64BE(BigInt(timestamp), field.maxTimestamp)
  bytes.writeInt32BE(count, field.count)
}

function recordBytes(record: NewRecord | undefined, index: number): number {
  const length = contentBytes(record, index)
  return length + varintBytes(length)
}

/** Bytes of a record without its own length. */
function contentBytes(record: NewRecord | undefined, index: number): number {
  if (!record) return 0
  const { key, value, headers, shared } = record
  // attributes and timestamp delta are one zero byte each
  const total = 2 + varintBytes(index) + sized(key.length) + valueSize(value) + headerBytes(headers)
  return total + varintBytes(headerCount(record)) + (shared?.bytes.length ?? 0)
}

const valueSize = (value: Buffer | undefined): number => (value ? sized(value.length) : 1)

function headerCount({ headers, shared }: NewRecord): number {
  let count = shared?.count ?? 0
  for (const _ in headers) count++
  return count
}

function headerBytes(headers: Headers): number {
  let total = 0
  for (const name in headers) total += headerName(name).length + sized(valueBytes(headers[name]))
  return total
}

function writeRecord(target: Buffer, start: number, record: NewRecord | undefined, index: number): number {
  if (!record) return start
  const { key, value, headers, shared } = record
  let at = writeVarint(target, start, contentBytes(record, index))
  target[at++] = 0
  target[at++] = 0
  at = writeVarint(target, at, index)
  at = writeBytes(target, at, key)
  if (value) at = writeBytes(target, at, value)
  else target[at++] = noValue
  at = writeVarint(target, at, headerCount(record))
  if (shared) {
    target.set(shared.bytes, at)
    at += shared.bytes.length
  }
  return writeHeaders(target, at, headers)
}

function writeHeaders(target: Buffer, start: number, headers: Headers): number {
  let at = start
  for (const name in headers) {
    const encoded = headerName(name)
    target.set(encoded, at)
    at = writeValue(target, at + encoded.length, headers[name] ?? '')
  }
  return at
}

function writeBytes(target: Buffer, start: number, bytes: Buffer): number {
  const at = writeVarint(target, start, bytes.length)
  target.set(bytes, at)
  return at + bytes.length
}

function writeValue(target: Buffer, start: number, value: string | Buffer): number {
  if (typeof value !== 'string') return writeBytes(target, start, value)
  const at = writeVarint(target, start, Buffer.byteLength(value))
  return at + target.write(value, at)
}

const valueBytes = (value: string | Buffer | undefined): number =>
  typeof value === 'string' ? Buffer.byteLength(value) : (value?.length ?? 0)

const sized = (length: number): number => length + varintBytes(length)

/** Header names repeat in every record: each is encoded once, its length before it. Names are few and ours. */
const headerNames = new Map<string, Buffer>()
/** Records of others are passed on, too: their names must not fill the memory. */
const maxHeaderNames = 1_000

function headerName(name: string): Buffer {
  const known = headerNames.get(name)
  if (known) return known
  const text = Buffer.from(name)
  const encoded = Buffer.allocUnsafe(sized(text.length))
  writeBytes(encoded, 0, text)
  if (headerNames.size < maxHeaderNames) headerNames.set(name, encoded)
  return encoded
}

/** Bytes of a number from 0 up as a zigzag varint. */
function varintBytes(value: number): number {
  if (value < 0x40) return 1
  if (value < 0x2000) return 2
  if (value < 0x10_0000) return 3
  if (value < 0x800_0000) return 4
  return 5
}

function writeVarint(target: Buffer, start: number, value: number): number {
  let at = start
  let rest = value * 2
  while (rest > 0x7f) {
    target[at++] = (rest & 0x7f) | 0x80
    rest = Math.floor(rest / 128)
  }
  target[at++] = rest
  return at
}
