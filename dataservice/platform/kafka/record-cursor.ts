/** Goes through the records of one unpacked batch. */
import type { LogHeaders, LogRecord, Offset } from './port.ts'
import { BatchUnreadable } from './unpack.ts'

export type TimestampOf = (delta: number) => number

export interface UnpackedBatch {
  base: Offset
  count: number
  records: Buffer
  timestampOf: TimestampOf
}

/** Makes records one by one: as long as they are not asked for, they are bytes. */
export class RecordCursor {
  readonly #batch: UnpackedBatch
  readonly #varints: Varints
  #read = 0

  constructor(batch: UnpackedBatch) {
    this.#batch = batch
    this.#varints = new Varints(batch.records, 0)
  }

  get isAtEnd(): boolean {
    return this.#read >= this.#batch.count
  }

  /** So many bytes of the batch were passed. */
  get at(): number {
    return this.#varints.at
  }

  /** The next record; not to be called at the end. Throws BatchUnreadable. */
  next(): LogRecord {
    const { base, records, timestampOf } = this.#batch
    const varints = this.#varints
    const length = varints.next()
    const end = varints.at + length
    if (length < 0 || end > records.length) throw new BatchUnreadable('a record is longer than its batch')
    varints.at++ // attributes: none are defined
    const timestamp = timestampOf(varints.next())
    const offset = base + BigInt(varints.next())
    const key = varints.slice()
    const value = varints.slice()
    const headers = new Headers(records, varints.at, end)
    varints.at = end
    this.#read++
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
