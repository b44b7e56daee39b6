/** `GET /data/{id}/status` for clients, and `GET /outcomes` and `GET /stored` for gateways that follow the log on behalf of theirs. */
import type { FastifyReply, FastifyRequest } from 'fastify'
import { ownKeyOf } from '#dataservice/platform/http/own-key.ts'
import { Problem } from '#dataservice/platform/http/problems.ts'
import { isStorable } from '#dataservice/record/natural-id.ts'
import { idOfUrl } from './ids.ts'
import type { Outcomes, Position } from './outcomes.ts'
import type { Ask } from './store.ts'

/** Whether this is the URL of a record's status. */
export const isStatusUrl = (url: string): boolean => statusPath.test(url)
const statusPath = /^(\/data\/[^/?#]+)\/status(?:[?#]|$)/

export async function answerStatus(
  outcomes: Pick<Outcomes, 'status'>,
  request: FastifyRequest,
  reply: FastifyReply,
  ask: Ask,
): Promise<FastifyReply> {
  const url = request.raw.url ?? ''
  const id = idOfUrl(statusPath.exec(url)?.[1] ?? '')
  if (id === undefined || !isStorable(id)) throw new Problem('not-found')
  const own = ownKeyOf(request.headers)
  const text = new URL(url, 'http://reader').searchParams.get('position')
  const position = text === null ? undefined : positionOf(text)
  const answer = await outcomes.status(
    { id, ...(position && { position }), ...(own !== undefined && { ownKey: own }) },
    ask,
  )
  if (answer === undefined) {
    const detail =
      'No record with this id was accepted lately. With ?position= of its 202 it is found for at least a day.'
    throw new Problem('record-not-found', text === null ? { detail } : {})
  }
  return sendJson(reply, answer)
}

export async function answerPassed(
  outcomes: Pick<Outcomes, 'passed'>,
  request: FastifyRequest,
  reply: FastifyReply,
  ask: Ask,
): Promise<FastifyReply> {
  const query = new URL(request.raw.url ?? '/', 'http://reader').searchParams
  const first = positionOf(`${query.get('partition')}-${query.get('from')}`)
  const last = positionOf(`${query.get('partition')}-${query.get('to')}`)
  return sendJson(
    reply,
    await outcomes.passed({ partition: first.partition, from: first.offset, to: last.offset }, ask),
  )
}

export async function answerStored(
  outcomes: Pick<Outcomes, 'stored'>,
  reply: FastifyReply,
  ask: Ask,
): Promise<FastifyReply> {
  return sendJson(reply, await outcomes.stored(ask))
}

/** An offset is a whole number below 2^63. */
const positionShape = /^(\d{1,6})-(\d{1,18})$/

function positionOf(text: string): Position {
  const [, partition, offset] = positionShape.exec(text) ?? []
  if (partition !== undefined && offset !== undefined)
    return { partition: Number(partition), offset: BigInt(offset) }
  const message = 'must be a position as a 202 tells it: <partition>-<offset>'
  throw new Problem('invalid-query', { errors: [{ parameter: 'position', message }] })
}

function sendJson(reply: FastifyReply, answer: object): FastifyReply {
  const body = Buffer.from(JSON.stringify(answer))
  return reply.headers({ 'content-type': 'application/json', 'cache-control': 'no-store' }).send(body)
}
