/** `POST /data`: 202 only after the log has every record, with acks=all. */
import type { FastifyReply, FastifyRequest } from 'fastify'
import { acceptedMediaTypes, bodyFormat } from '#dataservice/platform/http/media-type.ts'
import { Problem } from '#dataservice/platform/http/problems.ts'
import type { MethodHandler } from '#dataservice/platform/http/resource.ts'
import { tokenHeader } from '#dataservice/record/consistency-token.ts'
import type { BodyFormat } from '#dataservice/record/scan.ts'
import type { Accumulator } from '../accumulator.ts'
import { postAnswer, retryAfterSeconds } from '../answers.ts'
import type { ByteBudget } from '../budget.ts'
import type { OutcomeWatch } from '../outcome-watch.ts'
import { requestKeyOf, rulesWithKey, withKey } from '../request-key.ts'
import { readSubmission, type Submission, type SubmissionRules } from '../submission.ts'
import type { Tokens } from '../tokens.ts'
import { waitOf } from '../waiting.ts'
import { sendWaited } from './send-waited.ts'

export interface PostPorts {
  accumulator: Accumulator
  rules: SubmissionRules
  budget: ByteBudget
  tokens: Tokens
  /** True while the log holds records too old to risk more (`log-guard.ts`). */
  isLogFull(): boolean
  now(): number
  watch: Pick<OutcomeWatch, 'wait'>
  /** How old an Idempotency-Key may be that becomes the id of its record, in milliseconds. */
  maxKeyAgeMs: number
}

/** The writers need time, not a few milliseconds. */
const fullRetrySeconds = 30

const overloaded = () => new Problem('overloaded', { retryAfter: retryAfterSeconds })

/** `maxBodyBytes`: what a body without a declared length may have. */
export function postData(maxBodyBytes: number, ports: PostPorts): MethodHandler {
  const formats = new WeakMap<FastifyRequest, BodyFormat>()

  async function admit(request: FastifyRequest, reply: FastifyReply): Promise<void> {
    const format = bodyFormat(request.headers['content-type'])
    if (format === undefined || request.headers['content-encoding'] !== undefined) {
      const detail = `Send ${acceptedMediaTypes.join(', ')} in UTF-8, without Content-Encoding.`
      throw new Problem('unsupported-media-type', { detail })
    }
    if (ports.isLogFull()) throw new Problem('log-full', { retryAfter: fullRetrySeconds })
    const held = declaredBytes(request, maxBodyBytes)
    if (!ports.budget.take(held)) throw overloaded()
    // Whatever becomes of the request, its answer closes exactly once.
    reply.raw.once('close', () => ports.budget.give(held))
    formats.set(request, format)
  }

  async function handler(request: FastifyRequest, reply: FastifyReply): Promise<FastifyReply> {
    const earlier = ports.tokens.read(request.headers[tokenHeader])
    const submission = submissionOf(request, formats.get(request) ?? 'json', ports)
    const outcomes = ports.accumulator.append(submission.drafts)
    if (outcomes === undefined) throw overloaded()
    const settled = await outcomes
    const answer = postAnswer(submission, settled)
    reply.header(tokenHeader, ports.tokens.write(settled, earlier))
    const seconds = waitOf(request.headers.prefer)
    if (seconds !== undefined) return sendWaited(reply, { submission, answer, seconds }, ports)
    if ('id' in answer) reply.header('location', `/data/${encodeURIComponent(answer.id)}`)
    return reply.code(202).header('content-type', 'application/json').send(JSON.stringify(answer))
  }

  return { onRequest: admit, handler }
}

/** Judges the body; a request with an Idempotency-Key takes its own way. */
function submissionOf(request: FastifyRequest, format: BodyFormat, ports: PostPorts): Submission {
  const body = Buffer.isBuffer(request.body) ? request.body : Buffer.alloc(0)
  const key = requestKeyOf(request.headers['idempotency-key'])
  const { rules, maxKeyAgeMs: maxAgeMs } = ports
  const now = ports.now()
  if (key === undefined) return readSubmission(body, format, now, rules)
  const keyed = rulesWithKey(rules, { key, body, format, now, maxAgeMs })
  return withKey(readSubmission(body, format, now, keyed), key, '')
}

/** Without a length the body may become as long as is allowed. */
function declaredBytes(request: FastifyRequest, limit: number): number {
  const declared = Number(request.headers['content-length'] ?? limit)
  return Number.isSafeInteger(declared) && declared >= 0 ? Math.min(declared, limit) : limit
}
