import { expect, test } from 'vitest'
import type { Scope } from '#dataservice/contract/scopes.ts'
import { expectDocumented } from '#dataservice/testing/api-document.ts'
import type { CallerGuard } from '../callers/guard.ts'
import { repeatReach } from '../changes/stored-event.ts'
import type { ReaderQuestion } from '../reader-port.ts'
import { start } from '../testing/gateway-app.ts'
import { storedLog } from '../testing/stored-log.ts'

async function world(partitions = 3, guard?: CallerGuard) {
  const log = storedLog(partitions)
  const reader = (question: ReaderQuestion) => log.reader(question)
  const { app } = await start({ reader, topic: log.topic, ...(guard && { guard }) })
  const ask = (query: string) => app.inject(`/data/changes?${query}`)
  const page = async (query: string) => {
    const answer = await ask(query)
    expect([answer.statusCode, answer.headers['cache-control']]).toEqual([200, 'no-store'])
    const body = answer.json<Page>()
    return { ...body, ids: body.items.map(({ id }) => id) }
  }
  /** All pages up to where nothing more is stored. */
  const follow = async (after: string, limit: number) => {
    const ids: string[] = []
    for (let next = after; ; ) {
      const found = await page(`after=${next}&limit=${limit}`)
      expect(found.ids.length).toBeLessThanOrEqual(limit)
      ids.push(...found.ids)
      next = found.next
      if (!found.hasMore) return { ids, next }
    }
  }
  return { log, app, ask, page, follow }
}

interface Page {
  items: { id: string }[]
  next: string
  hasMore: boolean
  gaps?: { from?: string; to: string }[]
}

test('pages tell what is stored in the order of each partition, once, and go on where they ended', async () => {
  const { log, follow } = await world()
  const sent = Array.from({ length: 400 }, (_, index) => ({ partition: index % 3, id: log.put(index % 3) }))
  const first = await follow('start', 7)
  expect(first.ids.toSorted()).toEqual(sent.map(({ id }) => id).toSorted())
  for (const partition of [0, 1, 2]) {
    const own = sent.filter(each => each.partition === partition).map(({ id }) => id)
    expect(first.ids.filter(id => own.includes(id))).toEqual(own)
  }
  const more = [log.put(2), log.put(0)]
  expect((await follow(first.next, 7)).ids.toSorted()).toEqual(more.toSorted())
})

test('a record looks as GET answers it, byte for byte', async () => {
  const { log, ask } = await world(1)
  const id = log.put(0, { body: '{"a" : 1.50e0,\n "b":"\\u00e9é"}' })
  const { body } = await ask('limit=1')
  expect(body).toContain(
    `{"items":[{"id":"${id}","acceptedAt":"2026-03-01T12:00:00.000Z","schemaVersion":"v1","record":{"a" : 1.50e0,\n "b":"\\u00e9é"}}],`,
  )
})

test('what is not stored as it was sent does not come, and what is not stored yet comes later', async () => {
  const { log, page } = await world(1)
  const eventId = log.put(0)
  log.put(0, { outcome: 'refused' })
  log.put(0, { outcome: 'duplicate' })
  log.put(0, { eventId }) // the log has it twice
  log.put(0, { headers: {} })
  const last = log.put(0)
  log.hold(0, true)
  const late = log.put(0)
  const found = await page('after=start')
  expect([found.ids, found.hasMore]).toEqual([[eventId, last], false])
  log.hold(0, false)
  expect((await page(`after=${found.next}`)).ids).toEqual([late])
})

test('a record that stands twice in the log is told once, wherever a page starts', async () => {
  const { log, follow } = await world(1)
  const eventId = log.put(0)
  const others = Array.from({ length: Number(repeatReach) - 1 }, () => log.put(0))
  log.put(0, { eventId })
  expect((await follow('start', 10)).ids).toEqual([eventId, ...others])
})

test('a refused record that comes again and is stored is told', async () => {
  const { log, page } = await world(1)
  const eventId = log.put(0, { outcome: 'refused' })
  log.put(0, { eventId })
  expect((await page('after=start')).ids).toEqual([eventId])
})

test('after=now begins behind what is stored', async () => {
  const { log, page } = await world()
  log.put(1)
  const found = await page('after=now')
  expect(found).toMatchObject({ ids: [], hasMore: false })
  const id = log.put(1)
  expect((await page(`after=${found.next}`)).ids).toEqual([id])
})

test('what the log does not hold any more is a gap, with its bounds', async () => {
  const { log, page } = await world(1)
  const { next } = await page('after=start')
  const ids = Array.from({ length: 10 }, () => log.put(0))
  log.topic.deleteBelow(0, 4n)
  const found = await page(`after=${next}`)
  expect([found.gaps, found.ids]).toEqual([[{ from: '0-0', to: '0-4' }], ids.slice(4)])
  expect((await page('after=start')).gaps).toBeUndefined()
})

test('records so old that nobody knows what became of them are a gap, too', async () => {
  const { log, page } = await world(1)
  const { next } = await page('after=start')
  for (let count = 0; count < 5; count++) log.put(0, { timestamp: Date.UTC(2026, 1, 1) })
  const id = log.put(0)
  const found = await page(`after=${next}`)
  expect([found.gaps, found.ids]).toEqual([[{ from: '0-0', to: '0-5' }], [id]])
})

test('another log is a gap without a start', async () => {
  const { log, page } = await world(2)
  log.put(0)
  const { next } = await page('after=start')
  log.topic.replace()
  const found = await page(`after=${next}`)
  expect(found.gaps).toEqual([{ to: '0-0' }, { to: '1-0' }])
})

test('a page looks back before its start a bounded number of records', async () => {
  const { log, page } = await world(1)
  for (let count = 0; count < 3_000; count++) log.put(0)
  const before = log.topic.recordsRead
  const { next } = await page('after=now')
  log.put(0)
  await page(`after=${next}`)
  expect(log.topic.recordsRead - before).toBeLessThan(Number(repeatReach) + 200)
})

test.each(['after=x', 'limit=0', 'limit=1001', 'limit=x', 'customer=1', 'after='])(
  '%s is no question',
  async query => {
    const { ask } = await world()
    const answer = await ask(query)
    expect([answer.statusCode, answer.json().errors[0].parameter]).toEqual([400, query.split('=')[0]])
  },
)

const guardOf = (...scopes: Scope[]): CallerGuard => ({
  authenticate: () => ({ id: 'caller', scopes: new Set(scopes), key: 'mine' }),
  authorization: { scopes: { prefix: '' }, keyClaim: 'customer' },
})

test('a caller with a key of its own sees records of this key only', async () => {
  const { log, follow } = await world(1, guardOf('stream'))
  const mine = Array.from({ length: 9 }, () => {
    for (let count = 0; count < 5; count++) log.put(0, { key: 'theirs' })
    return log.put(0, { key: 'mine' })
  })
  expect((await follow('start', 2)).ids).toEqual(mine)
})

test('who may only read may not follow', async () => {
  const { ask } = await world(1, guardOf('read'))
  const answer = await ask('')
  expect([answer.statusCode, answer.json().type]).toEqual([403, expect.stringMatching(/forbidden$/)])
})

test('without the reader nobody knows what is stored: 503; answers are as documented', async () => {
  const { log, app, ask } = await world()
  log.put(0)
  const document = (await app.inject('/openapi.json')).json()
  const documented = (answer: Awaited<ReturnType<typeof ask>>) =>
    expectDocumented(document, '/data/changes', 'get', {
      status: answer.statusCode,
      contentType: String(answer.headers['content-type']),
      body: answer.body,
    })
  documented(await ask(''))
  log.away = true
  const answer = await ask('')
  documented(answer)
  expect([answer.statusCode, answer.headers['retry-after']]).toEqual([503, '1'])
})
