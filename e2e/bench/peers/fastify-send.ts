/**
 * The peer of the gateway's batches: the same Fastify with the same limits, logger, metrics, validator and headers,
 * which hands each record to a Kafka client by itself (`CLIENT`), not idempotent, many at a time, and answers 202 when
 * the client has its offset.
 */
import { randomFillSync } from 'node:crypto'
import { once } from 'node:events'
import { constantHeaders } from '#dataservice/gateway/event-headers.ts'
import { draftOf, readRecord } from '#dataservice/gateway/submission.ts'
import { makeServer } from '#dataservice/platform/http/server.ts'
import { makeLog } from '#dataservice/platform/telemetry/log.ts'
import { makeMetrics } from '#dataservice/platform/telemetry/metrics.ts'
import { uuid7Maker } from '#dataservice/record/uuid7.ts'
import { acceptedRecord } from '#e2e/engines/service-settings.ts'
import { clientOf } from '../clients/clients.ts'

const { BROKERS = '', CLIENT, PARTITIONS, PORT, TOPIC = '' } = process.env
/** As long as one of ours. */
const token = '1.MkU3OEU0RkItNTVFMy00.0-1234567.AAAAAAAAAAAAAAAAAAAAAA'
const record = acceptedRecord()
const newId = uuid7Maker({ now: Date.now, random: bytes => void randomFillSync(bytes) })
const shared = constantHeaders('/dataservices/shop/orders', record.schemaVersion)

const connect = await clientOf(CLIENT)()
const appender = await connect({ brokers: BROKERS.split(','), topic: TOPIC, sends: 'singles' })
const log = makeLog({ role: 'gateway', service: 'shop/orders', pod: 'peer', level: 'info' })
const { app, listen } = makeServer({ log, metrics: makeMetrics() })

app.post('/data', async ({ body }, reply) => {
  const bytes = Buffer.isBuffer(body) ? body : Buffer.alloc(0)
  const read = readRecord(bytes, { start: 0, end: bytes.length }, record)
  if (read.kind === 'refused') return reply.code(400).send(read.error)
  const id = newId()
  const names = { eventId: id, id, key: read.key ?? id, time: new Date().toISOString() }
  const { partition, record: sent } = draftOf(bytes, names, Number(PARTITIONS), shared)
  const outcome = (await appender.append(new Map([[partition, [sent]]]))).get(partition)
  if (outcome?.kind !== 'appended') return reply.code(503).send(outcome)
  reply.header('consistency-token', token).header('location', `/data/${id}`)
  const answer = { id, position: `${partition}-${outcome.baseOffset}` }
  return reply.code(202).header('content-type', 'application/json').send(JSON.stringify(answer))
})

await listen({ port: Number(PORT), host: '127.0.0.1' })
console.log('ready')
await once(process, 'SIGTERM')
await app.close()
await appender.close()
