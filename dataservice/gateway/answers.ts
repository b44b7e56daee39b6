/** What a client is told about the outcomes of its records. Pure. */
import { Problem } from '#dataservice/platform/http/problems.ts'
import type { RecordOutcome } from './entries.ts'
import type { Submission } from './submission.ts'

/** A record in the log. */
export interface AcceptedAnswer {
  id: string
  /** `<partition>-<offset>` */
  position: string
}

export type PostAnswer = AcceptedAnswer | { accepted: AcceptedAnswer[] }

/** Seconds after which another try makes sense. */
export const retryAfterSeconds = 1

/** The body of a 202. Throws a Problem unless every record is certainly in the log. */
export function postAnswer(
  { ids, isList }: Pick<Submission, 'ids' | 'isList'>,
  outcomes: readonly RecordOutcome[],
): PostAnswer {
  const told = ids.map((id, index) => ({ index, id, outcome: outcomes[index] }))
  const accepted = told.flatMap(({ index, id, outcome }) =>
    outcome?.kind === 'appended' ? [{ index, id, position: `${outcome.partition}-${outcome.offset}` }] : [],
  )
  if (accepted.length < ids.length) throw unfinished(told, accepted, isList)
  const answers = accepted.map(({ id, position }) => ({ id, position }))
  const [only] = answers
  return isList || only === undefined ? { accepted: answers } : only
}

interface Told {
  index: number
  id: string
  outcome: RecordOutcome | undefined
}

function unfinished(told: readonly Told[], accepted: readonly object[], isList: boolean): Problem {
  const named = (kind: RecordOutcome['kind']) =>
    told.flatMap(({ index, id, outcome }) => (outcome?.kind === kind ? [{ index, id }] : []))
  const refused = named('refused')
  const unknown = named('unknown')
  if (refused.length === told.length)
    return new Problem('log-unavailable', {
      retryAfter: retryAfterSeconds,
      detail: 'Nothing was accepted: send it again.',
    })
  if (!isList)
    return new Problem('outcome-unknown', { ...(unknown[0] && { id: unknown[0].id }), detail: unknownDetail })
  if (unknown.length > 0)
    return new Problem('outcome-unknown', { accepted, unknown, refused, detail: unknownDetail })
  return new Problem('partly-accepted', {
    accepted,
    unknown,
    refused,
    detail: 'Send the refused records again.',
  })
}

const unknownDetail =
  'It may still appear. Sent again under the same Idempotency-Key it is stored once; without one look for the id first.'
