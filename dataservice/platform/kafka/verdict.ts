/** What an attempt to append a batch says about the batch, and what to do next. Pure. */
import type { AppendOutcome } from './port.ts'

/** How an attempt ended. */
export type Attempt =
  | { kind: 'answered'; error: string; baseOffset: bigint }
  /** Surely never reached a broker. */
  | { kind: 'unsent'; reason: string }
  /** Sent, but the answer is missing, or does not name the partition. */
  | { kind: 'unanswered'; reason: string }

interface Verdict {
  /** Whether this attempt put the batch into the log. */
  isInLog: 'yes' | 'no' | 'perhaps'
  /** `again`: the same bytes may be sent again. `renumber`: only under another producer id. `stop`: it is no use. */
  next: 'done' | 'again' | 'renumber' | 'stop'
}

const again: Verdict = { isInLog: 'perhaps', next: 'again' }
const absent: Verdict = { isInLog: 'no', next: 'again' }
const refused: Verdict = { isInLog: 'no', next: 'stop' }
const renumber: Verdict = { isInLog: 'no', next: 'renumber' }

/**
 * Errors that say for certain that the batch was not appended. All others leave it open: NOT_LEADER_OR_FOLLOWER, for
 * one, is also the answer of a leader that appended, waited for its followers, and lost its office meanwhile.
 */
const certain: Readonly<Record<string, Verdict>> = {
  NOT_ENOUGH_REPLICAS: absent,
  CORRUPT_MESSAGE: absent,
  OUT_OF_ORDER_SEQUENCE_NUMBER: renumber,
  UNKNOWN_PRODUCER_ID: renumber,
  INVALID_PRODUCER_EPOCH: renumber,
  PRODUCER_FENCED: renumber,
  MESSAGE_TOO_LARGE: refused,
  RECORD_LIST_TOO_LARGE: refused,
  INVALID_RECORD: refused,
  INVALID_TIMESTAMP: refused,
  INVALID_TOPIC_EXCEPTION: refused,
  INVALID_REQUIRED_ACKS: refused,
  POLICY_VIOLATION: refused,
  TOPIC_AUTHORIZATION_FAILED: refused,
  CLUSTER_AUTHORIZATION_FAILED: refused,
  UNSUPPORTED_VERSION: refused,
  UNSUPPORTED_COMPRESSION_TYPE: refused,
  UNSUPPORTED_FOR_MESSAGE_FORMAT: refused,
}

function judge(attempt: Attempt): Verdict {
  if (attempt.kind === 'unsent') return absent
  if (attempt.kind === 'unanswered') return again
  const { error, baseOffset } = attempt
  // acks=0: to have gone out is all that was asked for.
  if (error === 'SENT') return { isInLog: 'yes', next: 'done' }
  if (error !== 'NONE') return certain[error] ?? again
  // A success counts only with an offset: without one nobody can say what is where.
  return baseOffset >= 0n ? { isInLog: 'yes', next: 'done' } : { isInLog: 'perhaps', next: 'stop' }
}

const reasonOf = (attempt: Attempt): string => (attempt.kind === 'answered' ? attempt.error : attempt.reason)

/** What came of the attempts for one batch so far. */
export interface History {
  /** An earlier attempt may have put the batch into the log. */
  isPerhapsInLog: boolean
  isTimeOver: boolean
}

/** `keepsProducer: false`: the producer id must not be used for this partition again. */
export type Step =
  | { kind: 'again'; keepsProducer: boolean; isPerhapsInLog: boolean; reason: string }
  | { kind: 'end'; keepsProducer: boolean; outcome: AppendOutcome }

/** Decides after an attempt. A doubt from an earlier attempt is only cleared by an offset. */
export function nextStep(attempt: Attempt, { isPerhapsInLog: wasPerhaps, isTimeOver }: History): Step {
  const { isInLog, next } = judge(attempt)
  if (attempt.kind === 'answered' && isInLog === 'yes')
    return { kind: 'end', keepsProducer: true, outcome: { kind: 'appended', baseOffset: attempt.baseOffset } }
  const isPerhapsInLog = wasPerhaps || isInLog === 'perhaps'
  const reason = reasonOf(attempt)
  const mayGoOn = next === 'again' || (next === 'renumber' && !isPerhapsInLog)
  const isNumberGood = next !== 'renumber'
  if (mayGoOn && !isTimeOver) return { kind: 'again', keepsProducer: isNumberGood, isPerhapsInLog, reason }
  const keepsProducer = isNumberGood && !isPerhapsInLog
  return { kind: 'end', keepsProducer, outcome: { kind: isPerhapsInLog ? 'unknown' : 'refused', reason } }
}
