/** The route of a record's history. */
import type { FastifyReply, FastifyRequest } from 'fastify'
import { ownKeyOf } from '#dataservice/platform/http/own-key.ts'
import { type InputError, Problem } from '#dataservice/platform/http/problems.ts'
import type { History, HistoryQuestion } from './history.ts'
import { idOfUrl } from './ids.ts'
import type { Ask } from './store.ts'

/** Whether this is the URL of a record's history. */
export const isHistoryUrl = (url: string): boolean => historyPath.test(url)
const historyPath = /^(\/data\/[^/?#]+)\/events(?:[?#]|$)/

const limits = { default: 100, max: 1_000 } as const

export async function answerHistory(
  history: Pick<History, 'page'>,
  request: FastifyRequest,
  reply: FastifyReply,
  ask: Ask,
): Promise<FastifyReply> {
  const question = questionOf(request.raw.url ?? '')
  const own = ownKeyOf(request.headers)
  // The key of a record that changes is its id.
  const isForeign = own !== undefined && own !== question.id
  const text = isForeign ? undefined : await history.page(question, ask)
  if (text === undefined) throw new Problem('record-not-found')
  return reply
    .headers({ 'content-type': 'application/json', 'cache-control': 'private, no-cache' })
    .send(Buffer.from(text))
}

function questionOf(url: string): HistoryQuestion {
  const id = idOfUrl(historyPath.exec(url)?.[1] ?? '')
  if (id === undefined) throw new Problem('not-found')
  const query = new URL(url, 'http://reader').searchParams
  const errors: InputError[] = [...query.keys()]
    .filter(parameter => parameter !== 'limit' && parameter !== 'cursor')
    .map(parameter => ({ parameter, message: 'is not known here: limit and cursor are' }))
  const limit = Number(query.get('limit') ?? limits.default)
  if (!Number.isInteger(limit) || limit < 1 || limit > limits.max)
    errors.push({ parameter: 'limit', message: `must be a whole number from 1 to ${limits.max}` })
  const cursor = query.get('cursor') ?? '0'
  if (!/^\d{1,18}$/.test(cursor))
    errors.push({ parameter: 'cursor', message: 'must be the next of an earlier page' })
  if (errors.length > 0) throw new Problem('invalid-query', { errors })
  return { id, limit, after: BigInt(cursor) }
}
