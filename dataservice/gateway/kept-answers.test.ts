import { Registry } from 'prom-client'
import { expect, test } from 'vitest'
import { internalHeaders } from '#dataservice/platform/http/internal-headers.ts'
import { keptAnswers } from './kept-answers.ts'
import type { ReaderAnswer, ReaderQuestion } from './reader-port.ts'

const record = '{"id":"a"}'
const headers = {
  'content-type': 'application/json',
  'content-length': String(record.length),
  etag: '"t1"',
  'cache-control': 'private, max-age=60',
  date: 'Sun, 22 Nov 2026 10:00:00 GMT',
}
const lasting = { ...headers, [internalHeaders.keepMs]: '10000' }

function world(answerTo: (question: ReaderQuestion) => ReaderAnswer, maxBytes = 1024 * 1024) {
  const asked: string[] = []
  const clock = { now: 0 }
  const reader = keptAnswers({
    maxBytes,
    metrics: new Registry(),
    now: () => clock.now,
    reader: {
      async ask(question) {
        asked.push(question.path)
        return answerTo(question)
      },
      close: async () => {},
    },
  })
  const get = (path: string, sent: Record<string, string> = {}, method: 'GET' | 'HEAD' = 'GET') =>
    reader.ask({ method, path, headers: sent })
  return { asked, clock, get }
}

const found = (): ReaderAnswer => ({
  kind: 'answer',
  status: 200,
  headers: lasting,
  body: Buffer.from(record),
})

test('a record that lasts is given again, with its age, until its time is over', async () => {
  const { asked, clock, get } = world(found)
  await get('/data/a')
  clock.now = 9_999
  const again = await get('/data/a')
  expect(again).toMatchObject({ status: 200, headers: { etag: '"t1"', age: '9' } })
  expect(again.kind === 'answer' && String(again.body)).toBe(record)
  expect(again.kind === 'answer' && again.headers.date).toBeUndefined()
  expect(asked).toHaveLength(1)
  clock.now = 10_000
  await get('/data/a')
  expect(asked).toHaveLength(2)
})

test.each([['"t1"'], ['"t0", W/"t1"'], ['*']])(
  'who has it already (%s) hears that it is the same',
  async tags => {
    const { asked, get } = world(found)
    await get('/data/a')
    const again = await get('/data/a', { 'if-none-match': tags })
    expect(again).toMatchObject({ status: 304, headers: { etag: '"t1"' }, body: Buffer.alloc(0) })
    expect(again.kind === 'answer' && again.headers['content-length']).toBeUndefined()
    expect(await get('/data/a', { 'if-none-match': '"t0"' })).toMatchObject({ status: 200 })
    expect(asked).toHaveLength(1)
  },
)

test.each<[string, () => ReaderAnswer]>([
  ['what the reader does not let us keep', () => ({ ...found(), headers })],
  ['a record that is missing', () => ({ ...found(), status: 404 })],
  ['an answer without a body', () => ({ ...found(), status: 304, body: Buffer.alloc(0) })],
  ['a reader that is away', () => ({ kind: 'unavailable' })],
  ['what is larger than its share', () => ({ ...found(), body: Buffer.alloc(80 * 1024) })],
])('%s is asked for each time', async (_, answer) => {
  const { asked, get } = world(answer)
  await get('/data/a')
  await get('/data/a')
  expect(asked).toHaveLength(2)
})

test.each<[string, Record<string, string>, ('GET' | 'HEAD')?]>([
  ['a consistency token', { 'consistency-token': 'x' }],
  ['a caller who sees only its own records', { [internalHeaders.ownKey]: 'c1' }],
  ['HEAD', {}, 'HEAD'],
])('%s goes to the reader, and leaves nothing for others', async (_, sent, method) => {
  const { asked, get } = world(found)
  await get('/data/a', sent, method)
  await get('/data/a')
  await get('/data/a', sent, method)
  expect(asked).toHaveLength(3)
})

test('a path is another question when its query is', async () => {
  const { asked, get } = world(found)
  await get('/data/a')
  await get('/data/a?fields=x')
  expect(asked).toEqual(['/data/a', '/data/a?fields=x'])
})

test('what was asked for longest ago goes first', async () => {
  const { asked, get } = world(found, 32 * 1024)
  for (let number = 0; number < 100; number++) await get(`/data/${number}`)
  await get('/data/99')
  expect(asked).toHaveLength(100)
  await get('/data/0')
  expect(asked).toHaveLength(101)
})

test('a gateway without room asks each time', async () => {
  const { asked, get } = world(found, 0)
  await get('/data/a')
  await get('/data/a')
  expect(asked).toHaveLength(2)
})
