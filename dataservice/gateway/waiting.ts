/** `Prefer: wait=N`: what a client is told that waits for the outcome of its records. Pure. */
import { preferences } from '#dataservice/platform/http/prefer.ts'
import { Problem, type ProblemCode } from '#dataservice/platform/http/problems.ts'
import type { AcceptedAnswer, PostAnswer } from './answers.ts'
import type { Decided } from './outcome-watch.ts'

/** Seconds that a client may wait; more is taken for this. */
export const maxWaitSeconds = 30

/** Seconds that a client wants to wait, or undefined when it does not. */
export function waitOf(prefer: string | string[] | undefined): number | undefined {
  if (prefer === undefined) return undefined
  const text = preferences(prefer).get('wait')
  if (text === undefined || !/^\d{1,6}$/.test(text)) return undefined
  return Math.min(Number(text), maxWaitSeconds) || undefined
}

/** A record with what became of it. */
export interface DecidedAnswer extends AcceptedAnswer {
  status: Decided['status'] | 'pending'
  reason?: string
}

export interface WaitedAnswer {
  code: 200 | 201 | 202
  body: PostAnswer | DecidedAnswer | { accepted: DecidedAnswer[] }
  /** Id of the one record that stands for the request. */
  id?: string
}

/**
 * One record: 201 stored, 200 when it stood there before, 202 while it is held or not known; what is not stored throws a Problem.
 * A list: 201 when all are stored, 200 when all are decided, else 202, with the status of each.
 */
export function waitedAnswer(answer: PostAnswer, decided: readonly (Decided | undefined)[]): WaitedAnswer {
  if ('accepted' in answer) return ofList(answer.accepted, decided)
  const [outcome] = decided
  if (outcome === undefined) return { code: 202, body: answer, id: answer.id }
  const problem = problems[outcome.status]
  if (problem) throw problemOf(problem, answer, outcome)
  const told = tell(answer, outcome)
  return { code: codes[outcome.status] ?? 200, body: told, id: told.id }
}

const codes: Readonly<Partial<Record<Decided['status'], 201 | 202>>> = { stored: 201, held: 202 }

const problems: Readonly<Partial<Record<Decided['status'], ProblemCode>>> = {
  conflict: 'id-conflict',
  'key-reused': 'idempotency-key-reused',
  'version-conflict': 'version-conflict',
  absent: 'record-not-found',
  refused: 'record-refused',
  expired: 'record-refused',
}

function problemOf(
  code: ProblemCode,
  { id, position }: AcceptedAnswer,
  { reason, winner }: Decided,
): Problem {
  return new Problem(code, {
    id: winner ?? id,
    ...(reason !== undefined && {
      detail: `${reason[0]?.toUpperCase()}${reason.slice(1)} (position ${position}).`,
    }),
  })
}

function ofList(
  accepted: readonly AcceptedAnswer[],
  decided: readonly (Decided | undefined)[],
): WaitedAnswer {
  const told = accepted.map((each, index) => tell(each, decided[index]))
  const isStored = told.every(({ status }) => status === 'stored')
  const isPending = told.some(({ status }) => status === 'pending' || status === 'held')
  return { code: isPending ? 202 : isStored ? 201 : 200, body: { accepted: told } }
}

function tell(accepted: AcceptedAnswer, decided: Decided | undefined): DecidedAnswer {
  const { status = 'pending', reason, winner } = decided ?? {}
  // Of a duplicate the id that can be read is told; of a conflict the one that was sent.
  const id = status === 'duplicate' ? (winner ?? accepted.id) : accepted.id
  return { ...accepted, id, status, ...(reason !== undefined && { reason }) }
}
