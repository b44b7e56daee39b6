import { Readable } from 'node:stream'
import { expect, test } from 'vitest'
import type { ReaderAnswer } from '../reader-port.ts'
import { order, start } from '../testing/gateway-app.ts'

const answer = (body: unknown, status = 200): ReaderAnswer => ({
  kind: 'answer',
  status,
  headers: {},
  body: Readable.from([Buffer.from(typeof body === 'string' ? body : JSON.stringify(body))]),
})
const wait = { prefer: 'wait=5' }

test('a client that waits is told that its record is stored, and where', async () => {
  const { post, questions } = await start({ reader: () => answer({ next: '1', outcomes: [] }) })
  const { statusCode, headers, ...posted } = await post(order('a'), 'application/json', wait)
  const { id, position, status } = posted.json()
  expect([statusCode, status, headers['preference-applied'], headers.location]).toEqual([
    201,
    'stored',
    'wait=5',
    `/data/${id}`,
  ])
  const [partition, offset] = position.split('-')
  expect(questions).toEqual([
    { method: 'GET', path: `/outcomes?partition=${partition}&from=${offset}&to=${offset}`, headers: {} },
  ])
})

test('a client that does not wait costs the reader nothing', async () => {
  const { post, questions } = await start()
  const { statusCode, headers } = await post(order('a'))
  expect([statusCode, headers['preference-applied'], questions]).toEqual([202, undefined, []])
})

test('what the database refuses is 422 with its reason', async () => {
  const { post, log } = await start({
    reader: () => {
      const [record] = log.contents.flat()
      const eventId = String(record?.headers.ce_id)
      return answer({ next: '1', outcomes: [{ offset: '0', eventId, status: 'refused', reason: 'no JSON' }] })
    },
  })
  const { statusCode, ...refused } = await post(order('a'), 'application/json', wait)
  expect([statusCode, refused.json()]).toMatchObject([
    422,
    {
      type: 'https://dataservice.dev/problems/record-refused',
      detail: expect.stringMatching(/^No JSON \(position \d-0\)\.$/),
    },
  ])
})

test.each([
  ['is away', () => ({ kind: 'unavailable' }) as const],
  ['fails', () => answer({ title: 'no' }, 503)],
  ['speaks another language', () => answer('<html>')],
  ['has not come so far', () => answer({ next: '0', outcomes: [] })],
])('while the reader %s the answer is 202 after the time', async (_, reader) => {
  const { post } = await start({ reader })
  const { statusCode, headers } = await post(order('a'), 'application/json', { prefer: 'wait=1' })
  expect([statusCode, headers['preference-applied']]).toEqual([202, 'wait=1'])
})
