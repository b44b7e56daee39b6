/** From a body, or a part of a stream, to records for the log: the one place where a request's records are judged. */
import type { FastifyRequest } from 'fastify'
import type { BodyFormat } from '#dataservice/record/scan.ts'
import { requestKeyOf, rulesWithKey, withKey } from '../request-key.ts'
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
  { headers }: Pick<FastifyRequest, 'headers'>,
  { body, format, first }: BodyPart,
  ports: ReadPorts,
): Submission {
  const key = requestKeyOf(headers['idempotency-key'])
  const { rules, maxKeyAgeMs: maxAgeMs } = ports
  const now = ports.now()
  if (key === undefined) return readSubmission(body, format, now, rules)
  const keyed = rulesWithKey(rules, { key, body, format, now, maxAgeMs })
  return withKey(readSubmission(body, format, now, keyed), { key, caller: '', ...(first && { first }) })
}
