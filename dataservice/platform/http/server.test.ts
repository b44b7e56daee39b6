import { pino } from 'pino'
import { Registry } from 'prom-client'
import { expect, onTestFinished, test } from 'vitest'
import { resource } from './resource.ts'
import { makeServer } from './server.ts'

function start() {
  const lines: string[] = []
  const log = pino({ level: 'info' }, { write: line => void lines.push(line) })
  const server = makeServer({ log, metrics: new Registry(), maxBodyBytes: 10 })
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
