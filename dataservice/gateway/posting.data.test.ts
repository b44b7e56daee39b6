/** What POST /data can do beside its usual answer, over real sockets and a real log. */
import { once } from 'node:events'
import { type ClientRequest, request as httpRequest, type IncomingMessage } from 'node:http'
import { createInterface } from 'node:readline'
import { zstdCompressSync } from 'node:zlib'
import { request } from 'undici'
import { expect, onTestFinished, test } from 'vitest'
import { connectTopics, until } from '#dataservice/platform/kafka/testing/topics.ts'
import { startRole } from '#dataservice/testing/role-process.ts'
import { engines } from '#e2e/engines/inject.ts'
import { noStore, testSettings } from '#e2e/engines/service-settings.ts'

const order = (customer: string, amount: unknown = 1) => JSON.stringify({ customer, amount })
const lines = { 'content-type': 'application/x-ndjson' }

async function start({ drainMs = 0 } = {}) {
  const { bootstrapServers } = engines().kafka
  const topics = await connectTopics(bootstrapServers)
  onTestFinished(() => topics.close())
  const topic = await topics.create([[0], [0], [0]])
  const base = testSettings(noStore)
  const log = { ...base.log, brokers: bootstrapServers, eventsTopic: topic, group: `${topic}.writer` }
  const gateway = await startRole('gateway', { ...base, log }, { drainMs })
  onTestFinished(() => gateway.remove())
  await until(async () => (await gateway.readiness()) === 200)
  const stored = async () => (await topics.counts(topic)).reduce((sum, count) => sum + count)
  return { gateway, stored }
}

async function post(url: string, body: string | Buffer, headers: Record<string, string>) {
  const answer = await request(url, { method: 'POST', body, headers })
  return { status: answer.statusCode, json: JSON.parse(await answer.body.text()) }
}

test('packed, only validated, and with each acks', async () => {
  const { gateway, stored } = await start()
  const url = `${gateway.url}/data`
  const body = Array.from({ length: 2_000 }, (_, index) => order(`c${index}`)).join('\n')
  const packed = await post(url, zstdCompressSync(body), { ...lines, 'content-encoding': 'zstd' })
  expect([packed.status, packed.json.accepted.length, await stored()]).toEqual([202, 2_000, 2_000])
  expect(await post(`${url}?validate=only`, body, lines)).toEqual({ status: 200, json: { valid: 2_000 } })
  expect(await stored()).toBe(2_000)
  const said = []
  for (const prefer of ['acks=all', 'acks=1', 'acks=0']) {
    const { status, json } = await post(url, order('a'), { 'content-type': 'application/json', prefer })
    said.push([status, json.durability, typeof json.position])
  }
  // One broker can only say that it has it.
  expect(said).toEqual([
    [202, 'leader', 'string'],
    [202, 'leader', 'string'],
    [202, 'none', 'undefined'],
  ])
  await until(async () => (await stored()) === 2_003)
  expect(await gateway.metrics()).toMatch(
    /dataservice_gateway_records_total\{outcome="appended",acks="0".*\} 1\n/,
  )
})

/** A stream that is still being written; `next` answers the next line of result. */
async function openStream(url: string, firstLine: string) {
  const outgoing: ClientRequest = httpRequest(`${url}/data`, {
    method: 'POST',
    headers: { ...lines, prefer: 'stream' },
  })
  outgoing.on('error', () => {}) // what the server says before it ends is what counts
  outgoing.write(`${firstLine}\n`)
  const [incoming]: IncomingMessage[] = await once(outgoing, 'response')
  if (!incoming) throw new Error('no answer')
  const told = createInterface(incoming)[Symbol.asyncIterator]()
  const next = async () => {
    const { value, done } = await told.next()
    return done ? undefined : JSON.parse(value)
  }
  return { outgoing, status: incoming.statusCode, next }
}

test('a stream is answered line by line while it is sent', async () => {
  const { gateway, stored } = await start()
  const { outgoing, status, next } = await openStream(gateway.url, order('a'))
  expect([status, (await next()).first]).toEqual([200, 0])
  outgoing.write(`${order('b')}\n${order('c').slice(0, 5)}`)
  expect(await next()).toMatchObject({ first: 1, accepted: [{ id: expect.any(String) }] })
  expect(await stored()).toBe(2)
  outgoing.end(`${order('c').slice(5)}\n`)
  expect(await next()).toMatchObject({ first: 2, accepted: [{ id: expect.any(String) }] })
  expect([await next(), await stored()]).toEqual([undefined, 3])
})

test('a client that still sends reads why its stream ended', async () => {
  const { gateway, stored } = await start()
  const { outgoing, next } = await openStream(gateway.url, order('a'))
  expect((await next()).first).toBe(0)
  outgoing.write(`${order('b', 'much')}\n`)
  for (let count = 0; count < 2_000; count++) outgoing.write(`${order('c')}\n`)
  const { first, problem } = await next()
  expect([first, problem.status]).toEqual([1, 400])
  expect(await stored()).toBe(1)
  outgoing.end()
  expect(await next()).toBeUndefined()
})

test('a stream ends in order when its gateway stops', async () => {
  const { gateway, stored } = await start({ drainMs: 5_000 })
  const { outgoing, next } = await openStream(gateway.url, order('a'))
  expect((await next()).first).toBe(0)
  gateway.signal('SIGTERM')
  await until(async () => (await gateway.readiness()) === 503)
  outgoing.write(`${order('b')}\n`)
  const { first, problem } = await next()
  expect([first, problem.type]).toEqual([1, 'https://dataservice.dev/problems/going-away'])
  outgoing.end()
  expect([await gateway.exitCode, await stored()]).toEqual([0, 1])
})
