/** From a body, or a part of a stream, to records for the log: the one place where a request's records are judged. */
import type { FastifyRequest } from 'fastify'
import type { BodyFormat } from '#dataservice/record/scan.ts'
import { refuseForeign } from '../callers/authorization.ts'
import { requestKeyOf, rulesWithKey, withKey } from '../request-key.ts'
import { rulesFor } from '../schema-version.ts'
import { readSubmission, type Submission, type SubmissionRules } from '../submission.ts'

export interface ReadPorts {
  rules: SubmissionRules
  now(): number
  /** How old an Idempotency-Key may be that becomes the id of its record, in milliseconds. */
  maxKeyAgeMs: number
}

export interface BodyPart {
  body: Buffer
  format: BodyFormat
  /** Records of the same request before it. */
  first?: number
}

/** Throws a Problem that says what is wrong. A request with an Idempotency-Key takes its own way. */
export function submissionOf(
  { headers, caller, ownKey }: Pick<FastifyRequest, 'headers' | 'caller' | 'ownKey'>,
  { body, format, first }: BodyPart,
  ports: ReadPorts,
): Submission {
  const key = requestKeyOf(headers['idempotency-key'])
  const rules = rulesFor(headers, ports.rules)
  const { maxKeyAgeMs: maxAgeMs } = ports
  const now = ports.now()
  const keyed = key === undefined ? rules : rulesWithKey(rules, { key, body, format, now, maxAgeMs })
  const submission = readSubmission(body, format, now, keyed)
  if (ownKey !== undefined) refuseForeign(ownKey, submission, rules.record)
  if (key === undefined) return submission
  return withKey(submission, { key, caller: caller?.id ?? '', ...(first && { first }) })
}
