import { Readable } from 'node:stream'
import { pino } from 'pino'
import { Registry } from 'prom-client'
import { expect, onTestFinished, test, vi } from 'vitest'
import { resource } from './resource.ts'
import { makeServer } from './server.ts'

function start(maxBodyBytes = 10) {
  const lines: string[] = []
  const log = pino({ level: 'info' }, { write: line => void lines.push(line) })
  const server = makeServer({ log, metrics: new Registry(), maxBodyBytes })
  resource(server.app, '/echo', { POST: async request => request.body })
  resource(server.app, '/broken/:id', {
    GET: async () => {
      throw new Error('the password is s3cret')
    },
  })
  onTestFinished(() => server.app.close())
  return { ...server, lines }
}

test('a body arrives as the bytes that were sent, whatever its type says', async () => {
  const { app } = start()
  const payload = Buffer.from([0x00, 0xff, 0x7b])
  const answer = await app.inject({
    method: 'POST',
    url: '/echo',
    payload,
    headers: { 'content-type': 'a/b' },
  })
  expect(answer.rawPayload).toEqual(payload)
})

test('a body above the limit answers 413 as a problem document', async () => {
  const { app } = start()
  const answer = await app.inject({ method: 'POST', url: '/echo', payload: 'x'.repeat(11) })
  expect([answer.statusCode, answer.headers['content-type']]).toEqual([413, 'application/problem+json'])
})

const chunked = { 'transfer-encoding': 'chunked' }
/** As a client sends them that puts each byte into a chunk of its own. */
const singly = (text: string) =>
  Readable.from(
    [...text].map(byte => Buffer.from(byte)),
    { objectMode: false },
  )

test('a body of many small pieces arrives whole, and they are not kept until then', async () => {
  const { app } = start(20_000)
  const text = 'abcdefghij'.repeat(2_000)
  const concat = vi.spyOn(Buffer, 'concat')
  const answer = await app.inject({ method: 'POST', url: '/echo', payload: singly(text), headers: chunked })
  const most = Math.max(0, ...concat.mock.calls.map(([list]) => list.length))
  concat.mockRestore()
  expect(most).toBeLessThan(100)
  expect(answer.body === text).toBe(true)
})

test.each([
  ['more than may be', '12345678901', chunked, 413, 'payload-too-large'],
  ['more than it may be, as it says itself', '1', { 'content-length': '11' }, 413, 'payload-too-large'],
  ['less than it says', '1234', { 'content-length': '5' }, 400, 'bad-request'],
  ['no bytes at all', '', { 'content-length': '5' }, 400, 'bad-request'],
])('a body in pieces that has %s is refused', async (_, text, headers, status, code) => {
  const { app, lines } = start()
  const answer = await app.inject({ method: 'POST', url: '/echo', payload: singly(text), headers })
  expect([answer.statusCode, answer.headers.connection, answer.json().type]).toEqual([
    status,
    'close',
    `https://dataservice.dev/problems/${code}`,
  ])
  expect(lines).toEqual([])
})

test('a fault is logged with its stack and answered without it', async () => {
  const { app, lines } = start()
  const answer = await app.inject('/broken/1')
  expect(answer.json()).toEqual({
    type: 'https://dataservice.dev/problems/internal',
    title: 'The service failed',
    status: 500,
  })
  expect(lines.join('')).toContain('s3cret')
  expect(lines).toHaveLength(1)
})

test.each(['/broken/%ff', '/%'])('the malformed path %s is a problem, too', async url => {
  const { app } = start()
  const answer = await app.inject(url)
  expect([answer.statusCode, answer.json().type]).toEqual([
    400,
    'https://dataservice.dev/problems/bad-request',
  ])
})
