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

  constructor(options: IntakeOptions) {
    this.#options = options
    this.#expected = options.position.nextOffset
    this.#checkLast = options.checkLast
  }

  /** The row of a record, why nothing may be taken in any more, or undefined for one that was taken before. */
  take(record: LogRecord): LogRow | Stop | undefined {
    if (record.offset < this.#expected) return this.#compareLast(record)
    if (this.#checkLast || record.offset > this.#expected) {
      const first = this.#checkLast ? this.#expected - 1n : this.#expected
      return { reason: 'LogGap', detail: `expected offset ${first}, got ${record.offset}` }
    }
    const { table, known } = this.#options
    const version = unknownVersion(record, known)
    if (version)
      return {
        reason: 'SchemaVersionUnknown',
        detail: `the record at offset ${record.offset} has the schema version ${nameOf(version)}`,
      }
    this.#expected = record.offset + 1n
    return decode(record, table)
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
