/** Record batches as a broker answers them: bytes in, records out, no more at a time than is asked for. */
import { crc32c } from '@platformatic/kafka'
import { field } from './batch-layout.ts'
import type { LogRecord, Offset } from './port.ts'
import { RecordCursor, type TimestampOf } from './record-cursor.ts'
import { BatchUnreadable, unpack } from './unpack.ts'

const attribute = { codec: 0b111, logAppendTime: 1 << 3, transactional: 1 << 4, control: 1 << 5 } as const

/** Of records that are handed on at a time, unpacked. */
export const portionBytes = 4 * 1024 * 1024
/** What a record costs beside its bytes: there may be millions of tiny ones in a batch. */
const recordCost = 256

/** What a fetch of a partition from a position on brought. */
export interface Fetched {
  bytes: Buffer
  /** For errors. */
  partition: number
  position: Offset
}

/**
 * The whole batches of an answer; a cut one at the end is left for the next fetch. They stay packed until their turn,
 * and one at a time is unpacked: some bytes may become thousands of times as many.
 * Records below `position` are cut off. Control records and records of transactions are skipped: nobody whose
 * record we acknowledge opens transactions.
 */
export class Batches {
  /** The offset behind all of them; the position when there is none. */
  readonly end: Offset
  /** Leader epoch of the last one; undefined when there is none. */
  readonly leaderEpoch: number | undefined
  /** Packed, in their order. */
  readonly #waiting: Buffer[]
  #open: { cursor: RecordCursor; after: Offset } | undefined
  #next: Offset
  /** Thrown at the next call: what stands before it was taken. */
  #broken: unknown
  readonly #partition: number

  /** Throws BatchUnreadable where the bytes are no batches. */
  constructor({ bytes, partition, position }: Fetched) {
    this.#partition = partition
    this.#next = position
    this.#waiting = cut(bytes, partition).filter(batch => offsetAfter(batch) > position)
    const last = this.#waiting.at(-1)
    this.end = last ? offsetAfter(last) : position
    this.leaderEpoch = last?.readInt32BE(field.leaderEpoch)
  }

  /** The offset to read next after what was taken. */
  get next(): Offset {
    return this.#next
  }

  /** Nothing is left; there may be no records in what is. */
  get isEmpty(): boolean {
    return this.#open === undefined && this.#waiting.length === 0 && this.#broken === undefined
  }

  /**
   * The next records, until they and what they cost make `maxBytes`: the last one may be larger. None when nothing is
   * left. Throws BatchUnreadable when all that stands before such a batch was taken; `next` is then where it begins.
   */
  take(maxBytes: number): LogRecord[] {
    if (this.#broken !== undefined) throw this.#broken
    const records: LogRecord[] = []
    try {
      this.#takeInto(records, maxBytes)
    } catch (cause) {
      if (records.length === 0) throw cause
      this.#broken = cause
    }
    return records
  }

  #takeInto(records: LogRecord[], maxBytes: number): void {
    for (let bytes = 0; bytes < maxBytes; ) {
      const open = this.#opened()
      if (!open) break
      const { cursor, after } = open
      const before = cursor.at
      const record = cursor.next()
      if (record.offset >= this.#next) {
        records.push(record)
        bytes += cursor.at - before + recordCost
        this.#next = record.offset + 1n
      }
      if (cursor.isAtEnd) this.#close(after)
    }
  }

  /** The batch whose records are next, unpacked. */
  #opened(): { cursor: RecordCursor; after: Offset } | undefined {
    while (!this.#open) {
      const batch = this.#waiting.shift()
      if (!batch) return undefined
      const cursor = open(batch, this.#partition)
      const after = offsetAfter(batch)
      if (!cursor || cursor.isAtEnd) this.#close(after)
      else this.#open = { cursor, after }
    }
    return this.#open
  }

  #close(after: Offset): void {
    this.#open = undefined
    this.#next = after
  }
}

/** Windows into the bytes, one for each whole batch. */
function cut(bytes: Buffer, partition: number): Buffer[] {
  const batches: Buffer[] = []
  for (let at = 0; bytes.length - at >= field.records; ) {
    const length = bytes.readInt32BE(at + field.length)
    if (bytes.readInt8(at + field.magic) !== 2)
      throw new BatchUnreadable(`a batch of partition ${partition} is in a format older than 2`)
    if (length < field.records - field.leaderEpoch)
      throw new BatchUnreadable(`a batch of partition ${partition} is shorter than its head`)
    const end = at + field.leaderEpoch + length
    if (end > bytes.length) break
    batches.push(bytes.subarray(at, end))
    at = end
  }
  return batches
}

const baseOf = (batch: Buffer): Offset => batch.readBigInt64BE(0)
const offsetAfter = (batch: Buffer): Offset =>
  baseOf(batch) + BigInt(batch.readInt32BE(field.lastOffsetDelta)) + 1n

/** Undefined for a batch that is skipped. */
function open(batch: Buffer, partition: number): RecordCursor | undefined {
  const name = `the batch of the offsets ${baseOf(batch)} to ${offsetAfter(batch) - 1n} of partition ${partition}`
  if (crc32c(batch.subarray(field.attributes)) !== batch.readUInt32BE(field.crc))
    throw new BatchUnreadable(`the checksum of ${name} is wrong`)
  const attributes = batch.readInt16BE(field.attributes)
  if (attributes & (attribute.control | attribute.transactional)) return undefined
  const body = batch.subarray(field.records)
  return new RecordCursor({
    base: baseOf(batch),
    count: batch.readInt32BE(field.count),
    records: unpack({ name, body, codec: attributes & attribute.codec }),
    timestampOf: timestamps(batch, attributes),
  })
}

function timestamps(batch: Buffer, attributes: number): TimestampOf {
  const max = Number(batch.readBigInt64BE(field.maxTimestamp))
  if (attributes & attribute.logAppendTime) return () => max
  const base = Number(batch.readBigInt64BE(field.baseTimestamp))
  return delta => base + delta
}
