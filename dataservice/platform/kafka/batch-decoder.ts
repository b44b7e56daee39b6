/** Record batches as a broker answers them: bytes in, records out. */
import { gunzipSync, zstdDecompressSync } from 'node:zlib'
import { compressionsAlgorithms, crc32c } from '@platformatic/kafka'
import type { LogHeaders, LogRecord, Offset } from './port.ts'

/** What a fetch brought: records from the position on, and the offset to read next. */
export interface Decoded {
  records: LogRecord[]
  next: Offset
  /** Leader epoch of the last batch read; undefined when there was none. */
  leaderEpoch: number | undefined
}

/** Bytes that cannot be a batch, or a batch we cannot read; reading it again would not help. */
export class BatchUnreadable extends Error {}

const field = {
  length: 8,
  leaderEpoch: 12,
  magic: 16,
  crc: 17,
  attributes: 21,
  lastOffsetDelta: 23,
  baseTimestamp: 27,
  maxTimestamp: 35,
  count: 57,
  records: 61,
} as const

const attribute = { codec: 0b111, logAppendTime: 1 << 3, transactional: 1 << 4, control: 1 << 5 } as const
/** Stops a batch that grows without bound; ours are at most 1 MiB before compression. */
const maxOutputLength = 64 * 1024 * 1024

/** By the number in the attributes; outside producers may choose any of Kafka's. */
const codecs: Readonly<Record<number, (body: Buffer) => Buffer>> = {
  0: body => body,
  1: body => gunzipSync(body, { maxOutputLength }),
  2: body => compressionsAlgorithms.snappy.decompressSync(body),
  3: body => compressionsAlgorithms.lz4.decompressSync(body),
  4: body => zstdDecompressSync(body, { maxOutputLength }),
}

/**
 * Decodes the whole batches in `bytes`; a cut one at the end is left for the next fetch.
 * Records below `position` are cut off. Control records and records of transactions are skipped: nobody whose
 * record we acknowledge opens transactions. Throws BatchUnreadable.
 */
export function decodeBatches(bytes: Buffer, position: Offset): Decoded {
  const records: LogRecord[] = []
  let next = position
  let leaderEpoch: number | undefined
  let at = 0
  while (bytes.length - at >= field.records) {
    const end = at + field.leaderEpoch + bytes.readInt32BE(at + field.length)
    if (end > bytes.length) break
    const batch = bytes.subarray(at, end)
    const after = batch.readBigInt64BE(0) + BigInt(batch.readInt32BE(field.lastOffsetDelta)) + 1n
    if (after > next) {
      readBatch(batch, next, records)
      next = after
      leaderEpoch = batch.readInt32BE(field.leaderEpoch)
    }
    at = end
  }
  return { records, next, leaderEpoch }
}

function readBatch(batch: Buffer, position: Offset, records: LogRecord[]): void {
  if (batch.readInt8(field.magic) !== 2) throw new BatchUnreadable('a batch in a format older than 2')
  if (crc32c(batch.subarray(field.attributes)) !== batch.readUInt32BE(field.crc))
    throw new BatchUnreadable(`the checksum of the batch at offset ${batch.readBigInt64BE(0)} is wrong`)
  const attributes = batch.readInt16BE(field.attributes)
  if (attributes & (attribute.control | attribute.transactional)) return
  const base = batch.readBigInt64BE(0)
  const cursor = new RecordCursor(decompress(batch, attributes), timestamps(batch, attributes))
  const count = batch.readInt32BE(field.count)
  for (let index = 0; index < count; index++) {
    const record = cursor.read(base)
    if (record.offset >= position) records.push(record)
  }
}

function decompress(batch: Buffer, attributes: number): Buffer {
  const codec = codecs[attributes & attribute.codec]
  if (!codec) throw new BatchUnreadable(`compression ${attributes & attribute.codec} is not supported`)
  try {
    return codec(batch.subarray(field.records))
  } catch (cause) {
    throw new BatchUnreadable('a batch does not decompress', { cause })
  }
}

type TimestampOf = (delta: number) => number

function timestamps(batch: Buffer, attributes: number): TimestampOf {
  const max = Number(batch.readBigInt64BE(field.maxTimestamp))
  if (attributes & attribute.logAppendTime) return () => max
  const base = Number(batch.readBigInt64BE(field.baseTimestamp))
  return delta => base + delta
}

class RecordCursor {
  readonly #bytes: Buffer
  readonly #timestampOf: TimestampOf
  readonly #varints: Varints

  constructor(bytes: Buffer, timestampOf: TimestampOf) {
    this.#bytes = bytes
    this.#timestampOf = timestampOf
    this.#varints = new Varints(bytes, 0)
  }

  read(base: Offset): LogRecord {
    const varints = this.#varints
    const length = varints.next()
    const end = varints.at + length
    if (length < 0 || end > this.#bytes.length) throw new BatchUnreadable('a record is longer than its batch')
    varints.at++ // attributes: none are defined
    const timestamp = this.#timestampOf(varints.next())
    const offset = base + BigInt(varints.next())
    const key = varints.slice()
    const value = varints.slice()
    const headers = new Headers(this.#bytes, varints.at, end)
    varints.at = end
    return { offset, key, value, headers, timestamp }
  }
}

/** Looks for a header in the bytes of its record: a Map of all would cost more than the rest of the record. */
class Headers implements LogHeaders {
  readonly #bytes: Buffer
  readonly #start: number
  readonly #end: number

  constructor(bytes: Buffer, start: number, end: number) {
    this.#bytes = bytes
    this.#start = start
    this.#end = end
  }

  get size(): number {
    return new Varints(this.#bytes, this.#start).next()
  }

  /** Of several with one name the last one. Throws BatchUnreadable when the headers do not end with their record. */
  get(name: string): Buffer | undefined {
    const wanted = bytesOf(name)
    const { places, used } = this.#read()
    for (let at = used - placeSize; at >= 0; at -= placeSize) {
      if (places[at + 1] !== wanted.length || !isAt(this.#bytes, places[at] ?? 0, wanted)) continue
      const value = places[at + 2] ?? 0
      return this.#bytes.subarray(value, value + Math.max(0, places[at + 3] ?? 0))
    }
    return undefined
  }

  *entries(): Generator<readonly [string, Buffer]> {
    const varints = new Varints(this.#bytes, this.#start)
    for (let left = varints.next(); left > 0; left--) {
      const name = varints.slice()?.toString() ?? ''
      yield [name, varints.slice() ?? Buffer.alloc(0)]
    }
  }

  #read(): HeaderPlaces {
    if (lastRead.headers === this) return lastRead
    if (lastRead.places.length > mostKept) lastRead.places = []
    lastRead.headers = undefined // stays so when they are unreadable
    const { places } = lastRead
    const varints = new Varints(this.#bytes, this.#start)
    let used = 0
    for (let left = 2 * varints.next(); left > 0; left--) {
      const length = varints.next() // which moves on, too
      places[used++] = varints.at
      places[used++] = length
      varints.at += Math.max(0, length)
    }
    if (varints.at !== this.#end) throw new BatchUnreadable('the headers of a record do not end with it')
    lastRead.headers = this
    lastRead.used = used
    return lastRead
  }
}

/** Where the headers of one record stand. */
interface HeaderPlaces {
  headers: Headers | undefined
  places: number[]
  /** So many of the places are about these headers. */
  used: number
}

/** Of the last record that was asked: who asks for one header asks for others. */
const lastRead: HeaderPlaces = { headers: undefined, places: [], used: 0 }
/** Our records have nine headers; what some other producer's took is given back. */
const mostKept = 1_024
/** Start and length of a name, start and length of its value. */
const placeSize = 4

/** The few names that are asked for, encoded once. */
const names = new Map<string, Buffer>()

function bytesOf(name: string): Buffer {
  const known = names.get(name)
  if (known) return known
  const bytes = Buffer.from(name)
  names.set(name, bytes)
  return bytes
}

/** Names differ early, and a call of Buffer.compare costs more than some steps. */
function isAt(bytes: Buffer, start: number, wanted: Buffer): boolean {
  for (let index = 0; index < wanted.length; index++) if (bytes[start + index] !== wanted[index]) return false
  return true
}

/** Numbers and fields of varying length, one after the other. */
class Varints {
  at: number
  readonly #bytes: Buffer

  constructor(bytes: Buffer, at: number) {
    this.#bytes = bytes
    this.at = at
  }

  /** A zigzag varint; multiplied rather than shifted, because timestamp deltas may exceed 32 bits. */
  next(): number {
    let value = 0
    let factor = 1
    for (;;) {
      const byte = this.#bytes[this.at++]
      if (byte === undefined) throw new BatchUnreadable('a record ends before its fields')
      value += (byte & 0x7f) * factor
      if (byte < 0x80) break
      factor *= 128
    }
    return value % 2 === 0 ? value / 2 : -(value + 1) / 2
  }

  slice(): Buffer | undefined {
    const length = this.next()
    if (length < 0) return undefined
    const start = this.at
    this.at += length
    return this.#bytes.subarray(start, this.at)
  }
}
