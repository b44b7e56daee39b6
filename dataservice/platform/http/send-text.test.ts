import { fastify } from 'fastify'
import { expect, test } from 'vitest'
import { sendText } from './send-text.ts'

test.each([0, 10, 1_000, 5_000])(
  '%d characters leave byte for byte, under the type they have',
  async count => {
    const text = Buffer.from('\ufeffé𐍈"a'.repeat(count))
    const app = fastify()
    app.get('/', (_request, reply) => void sendText(reply.header('content-type', 'application/json'), text))
    const got = await app.inject('/')
    expect(got.rawPayload.equals(text)).toBe(true)
    expect(got.headers).toMatchObject({
      'content-type': 'application/json',
      'content-length': String(text.length),
    })
    const head = await app.inject({ method: 'HEAD', url: '/' })
    expect([head.body, head.headers['content-length']]).toEqual(['', String(text.length)])
  },
)
