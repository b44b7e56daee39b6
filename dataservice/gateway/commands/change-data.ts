/** `PUT`, `PATCH` and `DELETE /data/{id}`: commands for the log; the writer decides what becomes of them. */
import type { FastifyReply, FastifyRequest } from 'fastify'
import { inflate } from '#dataservice/platform/http/inflate.ts'
import { Problem } from '#dataservice/platform/http/problems.ts'
import type { FewerMethods, MethodHandler } from '#dataservice/platform/http/resource.ts'
import { tokenHeader } from '#dataservice/record/consistency-token.ts'
import { fullRetrySeconds, postAnswer, retryAfterSeconds } from '../answers.ts'
import { takeFor } from '../budget.ts'
import { refuseForeign } from '../callers/authorization.ts'
import type { ChangeHeaders, ChangeKind } from '../event-headers.ts'
import type { ReaderPort } from '../reader-port.ts'
import { type PostPorts, tellDeprecation } from '../routes/post-data.ts'
import { declaredBytes, encodingOf } from '../routes/post-request.ts'
import { sendWaited } from '../routes/send-waited.ts'
import { rulesFor, versionNamed } from '../schema-version.ts'
import { waitOf } from '../waiting.ts'
import { readCommand } from './command.ts'
import { type Conditions, conditionsOf } from './conditions.ts'
import { isStale } from './version.ts'

export interface ChangePorts extends PostPorts {
  reader: Pick<ReaderPort, 'ask'>
  shared: ChangeHeaders
}

/** Seconds that a command waits whose client has to know whether it came to pass. */
const impliedWaitSeconds = 5

/** Media types of bodies; all are JSON in UTF-8. */
const mediaTypes: Readonly<Record<ChangeKind, readonly string[]>> = {
  replace: ['application/json'],
  merge: ['application/merge-patch+json', 'application/json'],
  delete: [],
}

export function changeData(kind: ChangeKind, maxBodyBytes: number, ports: ChangePorts): MethodHandler {
  function admit(request: FastifyRequest, reply: FastifyReply, done: () => void): void {
    const allow = methodsBeside(request.raw.url ?? '')
    if (allow) throw new Problem('method-not-allowed', { allow })
    judgeHeaders(kind, request)
    tellDeprecation(request, reply, ports.rules)
    if (ports.isLogFull()) throw new Problem('log-full', { retryAfter: fullRetrySeconds })
    if (!takeFor(reply.raw, ports.budget)(declaredBytes(request, kind === 'delete' ? 0 : maxBodyBytes)))
      throw new Problem('overloaded', { retryAfter: retryAfterSeconds })
    done()
  }

  async function handler(request: FastifyRequest, reply: FastifyReply): Promise<void> {
    const id = idOf(request.raw.url ?? '')
    const conditions = conditionsOf(kind, request.headers)
    const earlier = ports.tokens.read(request.headers[tokenHeader])
    const body = await bodyOf(request, reply, maxBodyBytes, ports)
    const submission = readCommand(
      { kind, id, body, conditions, now: ports.now() },
      rulesFor(request.headers, ports.rules),
      versionNamed(request.headers, ports.rules.versions)?.commands ?? ports.shared,
    )
    if (request.ownKey !== undefined) refuseForeign(request.ownKey, submission, ports.rules.record)
    if (await isStale(ports.reader, id, conditions)) throw new Problem('version-conflict', { id })
    const outcomes = ports.accumulator.append(submission.drafts)
    if (outcomes === undefined) throw new Problem('overloaded', { retryAfter: retryAfterSeconds })
    const settled = await outcomes
    const answer = postAnswer(submission, settled)
    reply.header(tokenHeader, ports.tokens.write(settled, earlier))
    const seconds = waitOf(request.headers.prefer) ?? impliedWait(kind, conditions)
    if (seconds !== undefined)
      return sendWaited(reply, { submission, answer, seconds, storedCode: 200 }, ports)
    reply.code(202).header('content-type', 'application/json').send(JSON.stringify(answer))
  }

  return { config: { ownRecords: true }, onRequest: admit, handler }
}

/** What stands beside a record is read only. */
export const methodsBeside: FewerMethods = url => (besidePath.test(url) ? ['GET', 'HEAD'] : undefined)
const besidePath = /^\/data\/[^/?#]+\/(?:events|status)(?:[?#]|$)/

/** Before the body is read. */
function judgeHeaders(kind: ChangeKind, request: FastifyRequest): void {
  const { headers } = request
  if (headers['idempotency-key'] !== undefined)
    throw new Problem('unsupported-header', {
      detail:
        'Idempotency-Key belongs to POST: a change that must come to pass once names its version in If-Match.',
    })
  conditionsOf(kind, headers)
  encodingOf(request)
  if (kind === 'delete') return
  const [type = '', ...parameters] = (headers['content-type'] ?? '').toLowerCase().split(';')
  const isUtf8 = parameters.every(parameter => /^\s*(charset\s*=\s*"?utf-?8"?)?\s*$/.test(parameter))
  if (isUtf8 && mediaTypes[kind].includes(type.trim())) return
  throw new Problem('unsupported-media-type', { detail: `Send ${mediaTypes[kind].join(' or ')} in UTF-8.` })
}

/** A patch has to be merged and found valid first; a condition has to hold. */
function impliedWait(kind: ChangeKind, { ifMatch, onlyNew }: Conditions): number | undefined {
  return kind === 'merge' || ifMatch !== undefined || onlyNew ? impliedWaitSeconds : undefined
}

/** The id of `/data/{id}`, nothing behind it. */
function idOf(url: string): string {
  const segment = /^\/data\/([^/?#]+)(?:[?#]|$)/.exec(url)?.[1]
  if (segment === undefined) throw new Problem('not-found')
  try {
    return decodeURIComponent(segment)
  } catch {
    throw new Problem('bad-request', { detail: 'The id in the URL is not percent-encoded UTF-8.' })
  }
}

function bodyOf(
  request: FastifyRequest,
  reply: FastifyReply,
  limit: number,
  { budget }: Pick<ChangePorts, 'budget'>,
): Promise<Buffer> | Buffer {
  const sent = Buffer.isBuffer(request.body) ? request.body : Buffer.alloc(0)
  const encoding = encodingOf(request)
  return encoding === 'identity' ? sent : inflate(sent, { encoding, limit, take: takeFor(reply.raw, budget) })
}
