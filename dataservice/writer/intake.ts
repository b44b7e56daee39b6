/** What comes out of the log: each record once and in order, and none that does not follow on what is stored. */
import type { Stop } from '#dataservice/contract/writer-stops.ts'
import type { LogRecord, Offset } from '#dataservice/platform/kafka/port.ts'
import type { Position } from './decisions.ts'
import { decode, eventIdOf, type LogRow, storableText } from './decode.ts'
import { type KnownVersions, unknownVersion } from './known-versions.ts'
import type { RecordsTable } from './table.ts'

export interface IntakeOptions {
  /** As it was claimed. */
  position: Pick<Position, 'nextOffset' | 'lastId'>
  /** The record before the position comes first and must be the last one stored. */
  checkLast: boolean
  table: RecordsTable
  known: KnownVersions
}

export class Intake {
  readonly #options: IntakeOptions
  /** The next offset to take in. */
  #expected: Offset
  #checkLast: boolean
  #stop: Stop | undefined

  constructor(options: IntakeOptions) {
    this.#options = options
    this.#expected = options.position.nextOffset
    this.#checkLast = options.checkLast
  }

  /** Why nothing is taken in any more. */
  get stop(): Stop | undefined {
    return this.#stop
  }

  /** The row of a record; undefined for one that was taken before, and from a stop on. */
  take(record: LogRecord): LogRow | undefined {
    if (this.#stop) return undefined
    if (record.offset < this.#expected) {
      this.#stop = this.#compareLast(record)
      return undefined
    }
    this.#stop = this.#judge(record)
    if (this.#stop) return undefined
    this.#expected = record.offset + 1n
    return decode(record, this.#options.table)
  }

  #judge(record: LogRecord): Stop | undefined {
    const hole = this.#holeBefore(record)
    if (hole) return hole
    this.#checkLast = false
    const version = unknownVersion(record, this.#options.known)
    if (version === undefined) return undefined
    const detail = `the record at offset ${record.offset} has the schema version ${nameOf(version)}`
    return { reason: 'SchemaVersionUnknown', detail }
  }

  /** The log goes over offsets without a word: what it skips has no record, or none that we may store. */
  #holeBefore({ offset }: LogRecord): Stop | undefined {
    if (!this.#checkLast && offset === this.#expected) return undefined
    const stored = this.#expected === 0n ? 'nothing is stored' : `stored up to offset ${this.#expected - 1n}`
    const also = this.#checkLast ? ', and does not hold the last record stored any more' : ''
    return { reason: 'LogHole', detail: `${stored}, the log goes on at offset ${offset}${also}` }
  }

  #compareLast(record: LogRecord): Stop | undefined {
    if (!this.#checkLast || record.offset !== this.#expected - 1n) return undefined
    this.#checkLast = false
    const { lastId } = this.#options.position
    const found = storableText(eventIdOf(record))
    if (found === lastId) return undefined
    const detail = `the event at offset ${record.offset} is ${found ?? 'unnamed'}, stored was ${lastId}`
    return { reason: 'LogReplaced', detail }
  }
}

/** What a condition tells of a version that anybody may have written. */
const nameOf = (version: Buffer): string => JSON.stringify(version.toString('utf8', 0, 64))
