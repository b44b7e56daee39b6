/** Following where records change: the topic of changes is told as it is. */
import { expect, test } from 'vitest'
import { memoryTopic } from '#dataservice/platform/kafka/testing/memory-log-reader.ts'
import { appliedHeaders, type CommandKind, commandTypes, envelope } from '#dataservice/record/envelope.ts'
import { expectDocumented } from '#dataservice/testing/api-document.ts'
import { uuid7At } from '#e2e/engines/records.ts'
import type { CallerGuard } from '../callers/guard.ts'
import { start } from '../testing/gateway-app.ts'

const acceptedAt = '2026-03-01T12:00:00.000Z'

interface Put {
  id: string
  version: number
  command?: CommandKind
  body?: string
  eventId?: string
}

async function world(guard?: CallerGuard) {
  const topic = memoryTopic(2)
  const { app } = await start({ isChanging: true, topic, ...(guard && { guard }) })
  const put = (partition: number, { id, version, command = 'replace', body, eventId }: Put) =>
    topic.append(partition, {
      key: id,
      value: body,
      timestamp: Date.parse(acceptedAt),
      headers: {
        [envelope.eventId]: eventId ?? uuid7At(Date.now()),
        [envelope.subject]: id,
        [envelope.type]: commandTypes[command],
        [envelope.time]: acceptedAt,
        [envelope.schemaVersion]: 'v1',
        [appliedHeaders.version]: String(version),
      },
    })
  const page = async (query: string) => {
    const answer = await app.inject(`/data/changes?${query}`)
    expect(answer.statusCode).toBe(200)
    const { items, ...rest } = answer.json<{
      items: { id: string; version: number }[]
      next: string
      hasMore: boolean
      gaps?: unknown
    }>()
    return { ...rest, text: answer.body, seen: items.map(({ id, version }) => `${id}${version}`) }
  }
  return { app, topic, put, page }
}

test('a change looks as in the history of its record, with the id; bodies byte for byte, null after a deletion', async () => {
  const { app, put, page } = await world()
  const body = '{"customerId":"c",  "amount" : 1.50e0}'
  const [eventId, gone] = [uuid7At(Date.now()), uuid7At(Date.now())]
  put(0, { id: 'a"b', version: 1, command: 'merge', body, eventId })
  put(0, { id: 'a"b', version: 2, command: 'delete', eventId: gone })
  const { text } = await page('')
  const rest = `"acceptedAt":"${acceptedAt}","schemaVersion":"v1","record"`
  expect(text).toContain(
    `{"items":[{"id":"a\\"b","version":1,"eventId":"${eventId}","command":"merge",${rest}:${body}},` +
      `{"id":"a\\"b","version":2,"eventId":"${gone}","command":"delete",${rest}:null}],"next"`,
  )
  expectDocumented((await app.inject('/openapi.json')).json(), '/data/changes', 'get', {
    status: 200,
    contentType: 'application/json',
    body: text,
  })
})

test('pages go on where they ended, without asking anybody what became of records; repeats are told once', async () => {
  const { topic, put, page } = await world()
  const eventId = uuid7At(Date.now())
  put(1, { id: 'a', version: 1, body: '{}', eventId })
  put(1, { id: 'a', version: 2, body: '{}' })
  put(1, { id: 'a', version: 1, body: '{}', eventId })
  put(0, { id: 'b', version: 1, body: '{}' })
  topic.append(0, { key: 'x', value: '{}', timestamp: 0, headers: {} }) // somebody else's
  const first = await page('limit=2')
  const second = await page(`limit=2&after=${first.next}`)
  expect([...first.seen, ...second.seen].toSorted()).toEqual(['a1', 'a2', 'b1'])
  expect(second.hasMore).toBe(false)
  put(0, { id: 'b', version: 2, body: '{}' })
  const now = await page(`after=${second.next}`)
  expect(now.seen).toEqual(['b2'])
  topic.append(0, { key: 'x', value: '{}', timestamp: 0, headers: {} })
  topic.deleteBelow(0, 4n)
  expect((await page(`after=${now.next}`)).gaps).toEqual([{ from: '0-3', to: '0-4' }])
  expect((await page('after=now')).seen).toEqual([])
})

test('who is limited to records of one key sees the changes of that record', async () => {
  const { put, page } = await world({
    authenticate: () => ({ id: 'caller', scopes: new Set(['stream']), key: 'mine' }),
    authorization: { scopes: { prefix: '' }, keyClaim: 'customer' },
  })
  for (const [version, id] of ['mine', 'theirs', 'mine'].entries()) put(0, { id, version, body: '{}' })
  expect((await page('')).seen).toEqual(['mine0', 'mine2'])
})

test('a record may be called as a way to follow them is: it is changed there', async () => {
  const { app } = await world()
  for (const id of ['changes', 'stream']) {
    const payload = '{"customerId":"c","amount":1}'
    const headers = { 'content-type': 'application/json' }
    const answer = await app.inject({ method: 'PUT', url: `/data/${id}`, payload, headers })
    expect([answer.statusCode, answer.json().id]).toEqual([202, id])
    const { paths } = (await app.inject('/openapi.json')).json()
    expect(Object.keys(paths[`/data/${id}`])).toEqual(['get', 'put', 'patch', 'delete'])
    expect(paths[`/data/${id}`].put.operationId).toBe(`putRecord_${id}`)
  }
})

test.each(['events', 'status'])('what stands at /data/{id}/%s is read only', async beside => {
  const { app } = await world()
  for (const method of ['PUT', 'PATCH', 'DELETE', 'OPTIONS', 'POST'] as const) {
    const answer = await app.inject({ method, url: `/data/a/${beside}?limit=1` })
    expect([answer.statusCode, answer.headers.allow], method).toEqual([405, 'GET, HEAD'])
  }
  const { headers } = await app.inject({ method: 'OPTIONS', url: '/data/a' })
  expect(headers.allow).toBe('GET, HEAD, PUT, PATCH, DELETE')
})

test('an id has at most 600 characters, however long each is', async () => {
  const { app } = await world()
  const status = async (id: string) =>
    (await app.inject({ method: 'DELETE', url: `/data/${encodeURIComponent(id)}` })).statusCode
  expect([await status('x'.repeat(600)), await status('𐍈'.repeat(600))]).toEqual([202, 202])
  expect([await status('x'.repeat(601)), await status('𐍈'.repeat(601))]).toEqual([400, 400])
})
