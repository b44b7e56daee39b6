/**
 * `Idempotency-Key`: the same request sent again is stored once. The key goes with its records into the log; the writer
 * decides, in the transaction of the rows. Pure.
 */
import { createHash } from 'node:crypto'
import { Problem } from '#dataservice/platform/http/problems.ts'
import { envelope } from '#dataservice/record/envelope.ts'
import type { BodyFormat } from '#dataservice/record/scan.ts'
import { timeOfUuid7 } from '#dataservice/record/uuid7.ts'
import type { Submission, SubmissionRules } from './submission.ts'

/** Printable ASCII. */
const keyShape = /^[\x21-\x7e](?:[\x20-\x7e]{0,253}[\x21-\x7e])?$/
/** How far ahead of us a client's clock may be. */
const aheadMs = 300_000

/** The key of a request, or undefined when it has none. Throws a Problem when it is no key. */
export function requestKeyOf(header: string | string[] | undefined): string | undefined {
  if (header === undefined) return undefined
  const text = String(header).trim()
  // Clients that follow the draft of the IETF send it as a quoted string.
  const key = /^"(.*)"$/.exec(text)?.[1] ?? text
  if (keyShape.test(key)) return key
  throw new Problem('bad-request', { detail: 'An Idempotency-Key has 1 to 255 printable ASCII characters.' })
}

export interface KeyedBody {
  key: string
  body: Buffer
  format: BodyFormat
  /** Milliseconds since 1970. */
  now: number
  /** How old a key may be that becomes the id of its record, in milliseconds. */
  maxAgeMs: number
}

/**
 * The rules for a body with a key: one record without a natural id gets a key that is a UUIDv7 of our time as its id. An
 * older one does not: what it stood for may be forgotten, and nobody would see another body under the id.
 */
export function rulesWithKey(
  rules: SubmissionRules,
  { key, body, format, now, maxAgeMs }: KeyedBody,
): SubmissionRules {
  const id = key.toLowerCase()
  const time = timeOfUuid7(id)
  const isOurTime = time !== undefined && time >= now - maxAgeMs && time <= now + aheadMs
  if (!isOurTime || rules.record.idPath !== undefined || isList(body, format)) return rules
  // An event that was refused stays so, and its key is free for another one of the same record.
  return rules.isChanging ? { ...rules, recordId: id } : { ...rules, newId: () => id }
}

export interface KeyOfCaller {
  key: string
  /** Keys of different callers have nothing to do with each other. */
  caller: string
  /** Records of the same request before these. */
  first?: number
}

/** The records with the hash of their key. */
export function withKey(submission: Submission, { key, caller, first = 0 }: KeyOfCaller): Submission {
  return {
    ...submission,
    drafts: submission.drafts.map((draft, index) => {
      const hash = createHash('sha256')
        .update(scopeOf(submission.isList, first + index, key, caller))
        .digest('hex')
      const headers = { ...draft.record.headers, [envelope.requestKey]: hash }
      return { ...draft, record: { ...draft.record, headers } }
    }),
  }
}

/**
 * What a key is hashed with: the caller, and the place of its record in a list. One that may be the id of a record is the
 * same for all callers, as ids are.
 */
function scopeOf(isOfMany: boolean, index: number, key: string, caller: string): string {
  const id = key.toLowerCase()
  const mayBeId = !isOfMany && timeOfUuid7(id) !== undefined
  return JSON.stringify(mayBeId ? [id] : [caller, key, isOfMany ? index : null])
}

const openingBracket = '['.charCodeAt(0)
const whitespace: ReadonlySet<number | undefined> = new Set([0x20, 0x09, 0x0a, 0x0d])

function isList(body: Buffer, format: BodyFormat): boolean {
  return format === 'lines' || body[body.findIndex(byte => !whitespace.has(byte))] === openingBracket
}
