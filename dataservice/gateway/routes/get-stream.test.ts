import { expect, test } from 'vitest'
import type { Scope } from '#dataservice/contract/scopes.ts'
import { eventOf } from '#e2e/scenarios/followers.ts'
import type { CallerGuard } from '../callers/guard.ts'
import type { ReaderQuestion } from '../reader-port.ts'
import { start } from '../testing/gateway-app.ts'
import { storedLog } from '../testing/stored-log.ts'

async function world(guard?: CallerGuard) {
  const log = storedLog(1)
  const reader = (question: ReaderQuestion) => log.reader(question)
  const { app } = await start({ reader, topic: log.topic, ...(guard && { guard }) })
  const ask = (url: string, headers: Record<string, string> = {}) => app.inject({ url, headers })
  /** Events of a stream until there are so many records. */
  const follow = async (url: string, records: number, headers: Record<string, string> = {}) => {
    const answer = await app.inject({ url, headers, payloadAsStream: true })
    const body = answer.stream()
    let text = ''
    const events = () => text.split('\n\n').slice(0, -1).map(eventOf)
    const found = () => events().filter(({ data }) => data !== '')
    body.on('data', (chunk: Buffer) => {
      text += chunk
    })
    await expect.poll(() => found().length, { timeout: 10_000, interval: 5 }).toBe(records)
    return { headers: answer.headers, found: found(), ids: found().map(({ data }) => JSON.parse(data).id) }
  }
  return { log, app, ask, follow }
}

test('a stream begins where its URL says, and goes on where the client was', async () => {
  const { log, follow } = await world()
  const ids = Array.from({ length: 5 }, () => log.put(0))
  const first = await follow('/data/stream?after=start', 5)
  expect(first.ids).toEqual(ids)
  expect(first.headers).toMatchObject({
    'content-type': 'text/event-stream',
    'cache-control': 'no-store',
    'x-accel-buffering': 'no',
  })
  const id = first.found[2]?.id ?? ''
  expect((await follow('/data/stream?after=start', 2, { 'last-event-id': id })).ids).toEqual(ids.slice(3))
  expect((await follow(`/data/stream?after=${id}`, 2)).ids).toEqual(ids.slice(3))
})

test('pages and streams go on where the other ended', async () => {
  const { log, ask, follow } = await world()
  const ids = Array.from({ length: 4 }, () => log.put(0))
  const { next } = (await ask('/data/changes?limit=1')).json()
  const { found } = await follow(`/data/stream?after=${next}`, 3)
  const page = (await ask(`/data/changes?after=${found[1]?.id}`)).json()
  expect(page.items.map((item: { id: string }) => item.id)).toEqual(ids.slice(3))
})

test.each([
  ['/data/stream?after=x', {}, 'after'],
  ['/data/stream?limit=1', {}, 'limit'],
  ['/data/stream', { 'last-event-id': 'x' }, 'Last-Event-ID'],
])('%s %j is no question', async (url, headers, parameter) => {
  const { ask } = await world()
  const answer = await ask(url, headers)
  expect([answer.statusCode, answer.json().errors[0].parameter]).toEqual([400, parameter])
})

test('HEAD opens no stream', async () => {
  const { app } = await world()
  const answer = await app.inject({ method: 'HEAD', url: '/data/stream' })
  expect([answer.statusCode, answer.headers['content-type'], answer.body]).toEqual([
    200,
    'text/event-stream',
    '',
  ])
})

const guardOf = (scope: Scope): CallerGuard => ({
  authenticate: () => ({ id: 'caller', scopes: new Set([scope]), key: 'mine' }),
  authorization: { scopes: { prefix: '' }, keyClaim: 'customer' },
})

test('who may stream gets own records only; who may only read gets none', async () => {
  const { log, follow } = await world(guardOf('stream'))
  log.put(0, { key: 'theirs' })
  const mine = log.put(0, { key: 'mine' })
  expect((await follow('/data/stream?after=start', 1)).ids).toEqual([mine])
  const { ask } = await world(guardOf('read'))
  expect((await ask('/data/stream')).statusCode).toBe(403)
})
