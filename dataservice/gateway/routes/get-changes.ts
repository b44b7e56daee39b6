/** `GET /data/changes`: what was stored, in the order of the log, page by page. */
import type { FastifyReply, FastifyRequest } from 'fastify'
import { pageLimits } from '#dataservice/contract/page-limits.ts'
import { type InputError, Problem } from '#dataservice/platform/http/problems.ts'
import type { Changes, ChangesPage, PageQuestion } from '../changes/changes.ts'
import { gapJson, readAfter } from '../changes/start-position.ts'
import { vectorText } from '../changes/vector.ts'

export function getChanges(changes: Pick<Changes, 'page'>) {
  return async (request: FastifyRequest, reply: FastifyReply): Promise<FastifyReply> => {
    const page = await changes.page(questionOf(request))
    return reply
      .headers({ 'content-type': 'application/json', 'cache-control': 'no-store' })
      .send(pageBytes(page))
  }
}

function questionOf(request: FastifyRequest): PageQuestion {
  const { searchParams } = new URL(request.raw.url ?? '/', 'http://gateway')
  const errors: InputError[] = []
  for (const parameter of new Set(searchParams.keys()))
    if (parameter !== 'after' && parameter !== 'limit')
      errors.push({ parameter, message: 'is no parameter here: after and limit are' })
  const text = searchParams.get('limit') ?? String(pageLimits.default)
  const limit = /^\d{1,6}$/.test(text) ? Number(text) : 0
  if (limit < 1 || limit > pageLimits.max)
    errors.push({ parameter: 'limit', message: `must be a number from 1 to ${pageLimits.max}` })
  if (errors.length > 0) throw new Problem('invalid-query', { errors })
  const { ownKey } = request
  const after = readAfter(searchParams.get('after') ?? 'start', 'after')
  return { after, limit, ...(ownKey !== undefined && { ownKey }) }
}

const comma = Buffer.from(',')

/** Bodies are put in as the bytes they came in. */
function pageBytes({ events, next, hasMore, gaps }: ChangesPage): Buffer {
  const lost = gaps.length === 0 ? '' : `,"gaps":${JSON.stringify(gaps.map(gapJson))}`
  return Buffer.concat([
    Buffer.from('{"items":['),
    ...events.flatMap(({ text }, index) => (index === 0 ? [text] : [comma, text])),
    Buffer.from(`],"next":"${vectorText(next)}","hasMore":${hasMore}${lost}}`),
  ])
}
