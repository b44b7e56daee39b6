/** The peer of a reader that has the answer at hand: the same Fastify with the same headers, which sends a buffer. */
import { once } from 'node:events'
import { Redis } from 'ioredis'
import { makeServer } from '#dataservice/platform/http/server.ts'
import { makeLog } from '#dataservice/platform/telemetry/log.ts'
import { makeMetrics } from '#dataservice/platform/telemetry/metrics.ts'

const { BODY = '', PORT, REDIS_PORT } = process.env
const body = Buffer.from(BODY)
const redis =
  REDIS_PORT === undefined ? undefined : new Redis({ host: '127.0.0.1', port: Number(REDIS_PORT) })

const headers = {
  etag: '"0123456789012345678901"',
  'cache-control': 'private, max-age=60',
  'content-type': 'application/json',
}

const log = makeLog({ role: 'reader', service: 'shop/orders', pod: 'peer', level: 'info' })
const { app, listen } = makeServer({ log, metrics: makeMetrics() })
if (redis)
  app.get('/data/*', async ({ url }, reply) => reply.headers(headers).send(await redis.getBuffer(url)))
else app.get('/data/*', (_request, reply) => void reply.headers(headers).send(body))
await listen({ port: Number(PORT), host: '127.0.0.1' })
console.log('ready')
await once(process, 'SIGTERM')
await app.close()
redis?.disconnect()
