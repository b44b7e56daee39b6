/** `POST /data`: 202 only after the log has every record, with acks=all unless the client asks for less. */
import type { FastifyReply, FastifyRequest } from 'fastify'
import { inflate } from '#dataservice/platform/http/inflate.ts'
import type { Encoding } from '#dataservice/platform/http/media-type.ts'
import { Problem } from '#dataservice/platform/http/problems.ts'
import type { MethodHandler } from '#dataservice/platform/http/resource.ts'
import { takeYourTime } from '#dataservice/platform/http/server.ts'
import type { Acks } from '#dataservice/platform/kafka/port.ts'
import { tokenHeader } from '#dataservice/record/consistency-token.ts'
import { durabilityOf, fullRetrySeconds, postAnswer, retryAfterSeconds } from '../answers.ts'
import { type ByteBudget, takeFor } from '../budget.ts'
import { requestKeyOf } from '../request-key.ts'
import { versionNamed } from '../schema-version.ts'
import type { SubmissionRules } from '../submission.ts'
import type { Tokens } from '../tokens.ts'
import { waitOf } from '../waiting.ts'
import { acksOf, declaredBytes, encodingOf, formatOf, isOnlyValidated, isStream } from './post-request.ts'
import { resultLines, type StreamPorts, streamBytes } from './post-stream.ts'
import { type ReadPorts, submissionOf } from './read-body.ts'
import { sendWaited, type WaitPorts } from './send-waited.ts'

export interface PostPorts extends StreamPorts, ReadPorts, WaitPorts {
  budget: ByteBudget
  tokens: Tokens
}

const overloaded = () => new Problem('overloaded', { retryAfter: retryAfterSeconds })

/** `maxBodyBytes`: what a body may have, packed or not. */
export function postData(maxBodyBytes: number, ports: PostPorts): MethodHandler {
  function admit(request: FastifyRequest, reply: FastifyReply, done: () => void): void {
    formatOf(request)
    encodingOf(request)
    tellDeprecation(request, reply, ports.rules)
    acksOf(request)
    if (!isOnlyValidated(request) && ports.isLogFull())
      throw new Problem('log-full', { retryAfter: fullRetrySeconds })
    const isStreamed = isStream(request)
    const take = takeFor(reply.raw, ports.budget)
    if (!take(isStreamed ? streamBytes : declaredBytes(request, maxBodyBytes))) throw overloaded()
    if (isStreamed) answerStream(request, reply, ports)
    else done()
  }

  /** What is sent at once is not answered by the promise as well: Fastify would wait for the reply anew. */
  async function handler(request: FastifyRequest, reply: FastifyReply): Promise<void> {
    const encoding = encodingOf(request)
    const body = encoding === 'identity' ? sentBody(request) : await unpacked(request, reply, encoding)
    const earlier = ports.tokens.read(request.headers[tokenHeader])
    const submission = submissionOf(request, { body, format: formatOf(request) }, ports)
    if (isOnlyValidated(request)) return sendJson(reply, 200, { valid: submission.ids.length })
    const acks = acksOf(request)
    const outcomes = ports.accumulator.append(submission.drafts, acks)
    if (outcomes === undefined) throw overloaded()
    const settled = await outcomes
    const answer = postAnswer(submission, settled)
    if (acks !== 0) reply.header(tokenHeader, ports.tokens.write(settled, earlier))
    const seconds = waitOf(request.headers.prefer)
    if (seconds !== undefined) return sendWaited(reply, { submission, answer, seconds }, ports)
    if ('id' in answer) reply.header('location', `/data/${encodeURIComponent(answer.id)}`)
    if (acks === undefined) return sendJson(reply, 202, answer)
    reply.header('preference-applied', `acks=${acks}`)
    return sendJson(reply, 202, { ...answer, durability: durabilityOf(acks, ports.replicas()) })
  }

  function unpacked(request: FastifyRequest, reply: FastifyReply, encoding: Encoding): Promise<Buffer> {
    const take = takeFor(reply.raw, ports.budget)
    return inflate(sentBody(request), { encoding, limit: maxBodyBytes, take })
  }

  return { config: { ownRecords: true }, onRequest: admit, handler }
}

/** Also where the request comes to nothing. Throws a Problem for a version that there is not. */
export function tellDeprecation(
  { headers }: FastifyRequest,
  reply: FastifyReply,
  { versions }: Pick<SubmissionRules, 'versions'>,
): void {
  const old = versionNamed(headers, versions)?.old
  if (old === undefined) return
  old.count()
  reply.header('deprecation', old.deprecation)
}

const sentBody = ({ body }: FastifyRequest): Buffer => (Buffer.isBuffer(body) ? body : Buffer.alloc(0))

/** The answer starts before the body has come. */
function answerStream(request: FastifyRequest, reply: FastifyReply, ports: PostPorts): void {
  requestKeyOf(request.headers['idempotency-key'])
  const acks: Acks | undefined = acksOf(request)
  takeYourTime(request, reply)
  reply.headers({
    'content-type': 'application/x-ndjson',
    connection: 'close', // after a problem some of the body may be left unread
    'preference-applied': acks === undefined ? 'stream' : `stream, acks=${acks}`,
  })
  const lines = resultLines(request.raw, ports, {
    ...(acks !== undefined && { acks }),
    read: (body, first) => submissionOf(request, { body, format: 'lines', first }, ports),
    report: err => request.log.error({ err }, 'a stream failed'),
  })
  reply.send(lines)
}

function sendJson(reply: FastifyReply, status: number, answer: object): void {
  reply.code(status).header('content-type', 'application/json').send(JSON.stringify(answer))
}
