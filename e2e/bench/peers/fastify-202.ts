/**
 * The peer of the gateway: the same Fastify with the same limits, logger, metrics, validator and headers, which parses
 * and validates each record and answers 202 as long as ours, and sends nothing anywhere.
 */
import { once } from 'node:events'
import type { FastifyInstance } from 'fastify'
import { makeServer } from '#dataservice/platform/http/server.ts'
import { makeLog } from '#dataservice/platform/telemetry/log.ts'
import { makeMetrics } from '#dataservice/platform/telemetry/metrics.ts'
import { acceptedRecord } from '#e2e/engines/service-settings.ts'

/** As long as one of ours. */
const token = '1.MkU3OEU0RkItNTVFMy00.0-1234567.AAAAAAAAAAAAAAAAAAAAAA'
const answer = { id: '01980000-0000-7000-8000-000000000000', position: '0-1234567' }

async function routes(app: FastifyInstance): Promise<void> {
  const { check } = acceptedRecord()
  app.removeContentTypeParser('application/json')
  app.addContentTypeParser(
    'application/json',
    { parseAs: 'string' },
    app.getDefaultJsonParser('error', 'error'),
  )
  app.post('/data', async (request, reply) => {
    const violation = check(request.body)
    if (violation) return reply.code(400).send(violation)
    reply.header('consistency-token', token).header('location', `/data/${answer.id}`)
    return reply.code(202).header('content-type', 'application/json').send(JSON.stringify(answer))
  })
}

const log = makeLog({ role: 'gateway', service: 'shop/orders', pod: 'peer', level: 'info' })
const { app, listen } = makeServer({ log, metrics: makeMetrics() })
await app.register(routes)
await listen({ port: Number(process.env['PORT']), host: '127.0.0.1' })
console.log('ready')
await once(process, 'SIGTERM')
await app.close()
