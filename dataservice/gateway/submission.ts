/** From the bytes of a body to records for the log, or to everything that is wrong with them. Pure. */
import type { AcceptedRecord } from '#dataservice/contract/record-declaration.ts'
import { type InputError, Problem } from '#dataservice/platform/http/problems.ts'
import { partitionOf } from '#dataservice/platform/kafka/partition.ts'
import type { SharedHeaders } from '#dataservice/platform/kafka/port.ts'
import { envelope } from '#dataservice/record/envelope.ts'
import { naturalId } from '#dataservice/record/natural-id.ts'
import { keyText, valueAt } from '#dataservice/record/pointer.ts'
import { type BodyFormat, type Range, type Scan, scanBody } from '#dataservice/record/scan.ts'
import type { Draft } from './entries.ts'
import type { PostingRules } from './schema-version.ts'

export interface SubmissionRules extends PostingRules {
  /** Partitions of the topic. */
  partitions: number
  /** Makes the id of the next event, which is the record's, too, unless it has a natural one. */
  newId(): string
  /** Mode Upsert: what is decided of an event stays so, and its record may be sent again. */
  isChanging?: boolean
  /** The id of the one record that is sent, where it is neither that of its event nor a natural one. */
  recordId?: string
}

export interface Submission {
  /** The client sent a list, and gets one. */
  isList: boolean
  ids: readonly string[]
  drafts: readonly Draft[]
}

/** Errors that one answer lists. */
export const maxErrors = 100

/** The text of a moment; many requests share a millisecond. */
let lastTime = { now: Number.NaN, text: '' }

/** RFC 3339 with milliseconds. */
export function timeText(now: number): string {
  if (lastTime.now !== now) lastTime = { now, text: new Date(now).toISOString() }
  return lastTime.text
}

/** Judges a whole body: all records are good, or it throws a Problem that names the first hundred errors. */
export function readSubmission(
  body: Buffer,
  format: BodyFormat,
  now: number,
  rules: SubmissionRules,
): Submission {
  const scan = scanBody(body, format)
  if (scan.kind !== 'records') throw problemOfScan(scan)
  const time = timeText(now)
  const errors: InputError[] = []
  const ids: string[] = []
  const drafts: Draft[] = []
  for (const [index, range] of scan.ranges.entries()) {
    const read = readRecord(body, range, rules.record)
    if (read.kind === 'refused') {
      errors.push({ index, ...read.error })
      if (errors.length >= maxErrors) break
    } else if (errors.length === 0) {
      const eventId = rules.newId()
      const { id = rules.recordId ?? eventId, key = id } = read
      ids.push(id)
      const value = body.subarray(range.start, range.end)
      drafts.push(draftOf(value, { eventId, id, key, time }, rules.partitions, rules.constantHeaders))
    }
  }
  if (errors.length > 0) throw new Problem('invalid-record', { errors })
  return { isList: scan.isList, ids, drafts }
}

export function problemOfScan(scan: Exclude<Scan, { kind: 'records' }>): Problem {
  if (scan.kind === 'too-large') {
    const { index, message } = scan
    return new Problem('payload-too-large', {
      detail: message,
      errors: [index === undefined ? { message } : { index, message }],
    })
  }
  const { index, pointer, offset, message } = scan
  return new Problem('invalid-json', { detail: message, errors: [{ index, pointer, offset, message }] })
}

/** What a record says of itself; what is absent follows from the id that the gateway makes. */
type ReadRecord = { kind: 'read'; id?: string; key?: string } | { kind: 'refused'; error: InputError }

export function readRecord(
  body: Buffer,
  range: Range,
  { check, idPath, keyPath }: AcceptedRecord,
): ReadRecord {
  const value: unknown = JSON.parse(body.toString('utf8', range.start, range.end))
  const violation = check(value)
  if (violation) return { kind: 'refused', error: violation }
  const found: { id?: string; key?: string } = {}
  if (idPath !== undefined) {
    const natural = naturalId(valueAt(value, idPath))
    if (natural.kind === 'refused') return refused(idPath, natural.message)
    found.id = natural.id
  }
  if (keyPath !== undefined) {
    const key = keyText(valueAt(value, keyPath))
    if (key === undefined) return refused(keyPath, 'the key must be a string or an integer within 2^53')
    found.key = key
  }
  return { kind: 'read', ...found }
}

function refused(path: readonly string[], message: string): ReadRecord {
  return { kind: 'refused', error: { pointer: `/${path.join('/')}`, message } }
}

interface Names {
  eventId: string
  id: string
  key: string
  time: string
}

export function draftOf(
  value: Buffer,
  { eventId, id, key, time }: Names,
  partitions: number,
  shared: SharedHeaders,
): Draft {
  const keyBytes = Buffer.from(key)
  return {
    partition: partitionOf(keyBytes, partitions),
    record: {
      key: keyBytes,
      value,
      headers: { [envelope.eventId]: eventId, [envelope.subject]: id, [envelope.time]: time },
      shared,
    },
  }
}
