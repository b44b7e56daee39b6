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
import { readSubmission, type SubmissionRules } from '../submission.ts'
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
    refuseIdempotencyKey(request)
    if (ports.isLogFull()) throw new Problem('log-full', { retryAfter: fullRetrySeconds })
    const held = declaredBytes(request, maxBodyBytes)
    if (!ports.budget.take(held)) throw overloaded()
    // Whatever becomes of the request, its answer closes exactly once.
    reply.raw.once('close', () => ports.budget.give(held))
    formats.set(request, format)
  }

  async function handler(request: FastifyRequest, reply: FastifyReply): Promise<FastifyReply> {
    const format = formats.get(request) ?? 'json'
    const body = Buffer.isBuffer(request.body) ? request.body : Buffer.alloc(0)
    const earlier = ports.tokens.read(request.headers[tokenHeader])
    const submission = readSubmission(body, format, ports.now(), ports.rules)
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

/** A client that sends a key relies on it: better no record than one that may stand twice. */
function refuseIdempotencyKey(request: FastifyRequest): void {
  if (request.headers['idempotency-key'] === undefined) return
  throw new Problem('unsupported-header', {
    detail: 'Idempotency-Key is not supported: send the request without it.',
  })
}

/** Without a length the body may become as long as is allowed. */
function declaredBytes(request: FastifyRequest, limit: number): number {
  const declared = Number(request.headers['content-length'] ?? limit)
  return Number.isSafeInteger(declared) && declared >= 0 ? Math.min(declared, limit) : limit
}
