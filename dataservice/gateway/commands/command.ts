/** From a PUT, PATCH or DELETE to a command for the log, or to what is wrong with it. Pure. */
import { type InputError, Problem } from '#dataservice/platform/http/problems.ts'
import { conditionHeaders } from '#dataservice/record/envelope.ts'
import { isStorable } from '#dataservice/record/natural-id.ts'
import { scanBody } from '#dataservice/record/scan.ts'
import type { ChangeHeaders, ChangeKind } from '../event-headers.ts'
import {
  draftOf,
  problemOfScan,
  readRecord,
  type Submission,
  type SubmissionRules,
  timeText,
} from '../submission.ts'
import type { Conditions } from './conditions.ts'

export interface SentCommand {
  kind: ChangeKind
  /** Of the URL. */
  id: string
  body: Buffer
  conditions: Conditions
  /** Milliseconds since 1970. */
  now: number
}

/** Throws a Problem that says what is wrong. */
export function readCommand(
  { kind, id, body, conditions, now }: SentCommand,
  rules: SubmissionRules,
  shared: ChangeHeaders,
): Submission {
  if (!isStorable(id)) throw new Problem('bad-request', { detail: 'No record can have this id.' })
  const eventId = rules.newId()
  const names = { eventId, id, key: id, time: timeText(now) }
  const draft = draftOf(values[kind](id, body, rules), names, rules.partitions, shared[kind])
  const headers = { ...draft.record.headers, ...headersOf(conditions) }
  return { isList: false, ids: [id], drafts: [{ ...draft, record: { ...draft.record, headers } }] }
}

function headersOf({ ifMatch, onlyNew }: Conditions): Record<string, string> {
  return {
    ...(ifMatch !== undefined && {
      [conditionHeaders.ifMatch]: ifMatch === '*' ? ifMatch : ifMatch.join(','),
    }),
    ...(onlyNew && { [conditionHeaders.ifNoneMatch]: '*' }),
  }
}

/** The value of each kind of command. */
const values: Readonly<Record<ChangeKind, (id: string, body: Buffer, rules: SubmissionRules) => Buffer>> = {
  replace(id, body, { record }) {
    const range = onlyObject(body)
    const read = readRecord(body, range, record)
    if (read.kind === 'refused') throw invalid(read.error)
    if (record.idPath !== undefined && read.id !== id)
      throw invalid({ pointer: `/${record.idPath.join('/')}`, message: 'must be the id of the URL' })
    return body.subarray(range.start, range.end)
  },
  // Whether the record is valid with it is seen when it is merged.
  merge(_, body) {
    const { start, end } = onlyObject(body)
    return body.subarray(start, end)
  },
  delete(_, body) {
    if (body.length > 0) throw new Problem('bad-request', { detail: 'A DELETE has no body.' })
    return body
  },
}

function onlyObject(body: Buffer): { start: number; end: number } {
  const scan = scanBody(body, 'json')
  if (scan.kind !== 'records') throw problemOfScan(scan)
  const [range] = scan.ranges
  if (!range || scan.isList) throw invalid({ message: 'must be one object: one record has this URL' })
  return range
}

const invalid = (error: InputError): Problem => new Problem('invalid-record', { errors: [error] })
