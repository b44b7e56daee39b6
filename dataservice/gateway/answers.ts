/** What a client is told about the outcomes of its records. Pure. */
import { Problem } from '#dataservice/platform/http/problems.ts'
import type { Acks } from '#dataservice/platform/kafka/port.ts'
import type { RecordOutcome } from './entries.ts'
import type { Submission } from './submission.ts'

/** A record in the log. */
export interface AcceptedAnswer {
  id: string
  /** `<partition>-<offset>`; absent with acks=0, where nobody tells it. */
  position?: string
}

/** Who has the records of an answer for certain: nobody, one broker, or all replicas in sync. */
export type Durability = 'none' | 'leader' | 'replicated'

export type PostAnswer = AcceptedAnswer | { accepted: AcceptedAnswer[] }

/** One replica alone is the leader's. */
export function durabilityOf(acks: Acks, replicas: number): Durability {
  if (acks === 0) return 'none'
  return acks === 'all' && replicas > 1 ? 'replicated' : 'leader'
}

/** Seconds after which another try makes sense. */
export const retryAfterSeconds = 1
/** The same where the log is full: the writers need time, not a few milliseconds. */
export const fullRetrySeconds = 30

/** The body of a 202. Throws a Problem unless every record is certainly in the log. */
export function postAnswer(
  { ids, isList }: Pick<Submission, 'ids' | 'isList'>,
  outcomes: readonly RecordOutcome[],
): PostAnswer {
  const accepted = ids.flatMap((id, index) => acceptedAnswer(id, outcomes[index]) ?? [])
  if (accepted.length < ids.length) throw unfinished(ids, outcomes, isList)
  const [only] = accepted
  return isList || only === undefined ? { accepted } : only
}

function acceptedAnswer(id: string, outcome: RecordOutcome | undefined): AcceptedAnswer | undefined {
  if (outcome?.kind !== 'appended') return undefined
  const { partition, offset } = outcome
  return offset < 0n ? { id } : { id, position: `${partition}-${offset}` }
}

function unfinished(
  ids: readonly string[],
  outcomes: readonly (RecordOutcome | undefined)[],
  isList: boolean,
): Problem {
  const named = (kind: RecordOutcome['kind']) =>
    ids.flatMap((id, index) => {
      const outcome = outcomes[index]
      return outcome?.kind === kind ? [{ index, ...acceptedAnswer(id, outcome), id }] : []
    })
  const accepted = named('appended')
  const refused = named('refused')
  const unknown = named('unknown')
  if (refused.length === ids.length)
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
