/** The gateway process over a real broker: what it accepts stands in the topic, whatever happens to either. */
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { Agent, request } from 'undici'
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest'
import { createAppender } from '#dataservice/platform/kafka/appender.ts'
import { createConsumer } from '#dataservice/platform/kafka/consumer.ts'
import { partitionOf } from '#dataservice/platform/kafka/partition.ts'
import type { LogConsumer } from '#dataservice/platform/kafka/port.ts'
import { connectTopics, type Topics, until } from '#dataservice/platform/kafka/testing/topics.ts'
import { envelope } from '#dataservice/record/envelope.ts'
import { type RoleProcess, startRole } from '#dataservice/testing/role-process.ts'
import { type Kafka, startKafka } from '#e2e/engines/kafka.ts'
import { noStore, testSettings } from '#e2e/engines/service-settings.ts'
import { logContract } from './testing/log-contract.ts'

/** This file kills its broker, so it has one of its own. */
let kafka: Kafka
let topics: Topics

beforeAll(async () => {
  kafka = await startKafka({ brokers: 1 })
  topics = await connectTopics(kafka.bootstrapServers)
})
afterAll(async () => {
  await topics.close()
  await kafka.remove()
})

const newTopic = () => topics.create([[0], [0], [0]])

interface World {
  gateway: RoleProcess
  /** Reads the topic past the gateway. */
  log: LogConsumer
  topic: string
}

async function start({ readerUrl = 'http://127.0.0.1:1', drainMs = 0 } = {}): Promise<World> {
  const topic = await newTopic()
  const base = testSettings(noStore)
  const settings = {
    ...base,
    log: { ...base.log, brokers: kafka.bootstrapServers, eventsTopic: topic },
    reader: { url: readerUrl },
  }
  const gateway = await startRole('gateway', settings, { drainMs })
  onTestFinished(() => gateway.remove())
  await until(async () => (await gateway.readiness()) === 200)
  const log = createConsumer({
    brokers: kafka.bootstrapServers,
    topic,
    clientId: 'test',
    group: `${topic}-test`,
  })
  onTestFinished(() => log.stop())
  return { gateway, log, topic }
}

const order = (customer: string, amount = 1) => `{"customer":"${customer}", "amount" : ${amount}.50}`

async function post(url: string, body: string, type = 'application/json', dispatcher?: Agent) {
  const answer = await request(`${url}/data`, {
    method: 'POST',
    body,
    headers: { 'content-type': type },
    ...(dispatcher ? { dispatcher } : {}),
  })
  return { status: answer.statusCode, headers: answer.headers, json: JSON.parse(await answer.body.text()) }
}

/** What stands in the log at a position. */
async function readBack({ log }: World, position: string) {
  const [partition = -1, offset = -1] = position.split('-').map(Number)
  const record = await log.recordAt(partition, BigInt(offset))
  return {
    partition,
    key: record?.key?.toString(),
    value: record?.value?.toString(),
    id: record?.headers.get(envelope.subject)?.toString(),
    eventId: record?.headers.get(envelope.eventId)?.toString(),
  }
}

describe('the real log', () => {
  logContract(async () =>
    createAppender({ brokers: kafka.bootstrapServers, topic: await newTopic(), clientId: 'contract' }),
  )
})

test('one object, an array and lines stand in the topic byte for byte, at the positions answered', async () => {
  const world = await start()
  const names = Array.from({ length: 300 }, (_, index) => `c${index}`)
  const bodies = names.map((name, index) => order(name, index))
  const one = await post(world.gateway.url, order('é\\u0061'))
  const array = await post(world.gateway.url, `[${bodies.join(' , ')}]`)
  const lines = await post(world.gateway.url, bodies.join('\r\n'), 'application/x-ndjson')
  expect([one.status, array.status, lines.status]).toEqual([202, 202, 202])
  const sent = [
    ['éa', order('é\\u0061')],
    ...[...names, ...names].map((name, index) => [name, bodies[index % 300]]),
  ]
  const accepted: { id: string; position: string }[] = [
    one.json,
    ...array.json.accepted,
    ...lines.json.accepted,
  ]
  expect(new Set(accepted.map(({ position }) => position)).size).toBe(601)
  for (const place of [0, 1, 2, 150, 300, 301, 600]) {
    const { id, position } = accepted[place] ?? { id: '', position: '' }
    const [key = '', value] = sent[place] ?? []
    const partition = partitionOf(Buffer.from(key), 3)
    expect(await readBack(world, position)).toEqual({ partition, key, value, id, eventId: id })
  }
  expect(await topics.counts(world.topic)).toEqual(
    [0, 1, 2].map(
      partition => accepted.filter(({ position }) => position.startsWith(`${partition}-`)).length,
    ),
  )
  expect(await world.gateway.metrics()).toMatch(
    /dataservice_gateway_records_total\{outcome="appended".*\} 601/,
  )
})

describe('a broker that fails', () => {
  test.each(['SIGKILL', 'SIGSTOP'] as const)(
    '%s: 503 within 5 s, and 202 again once it is back',
    async signal => {
      const world = await start()
      const [broker] = kafka.brokers
      expect((await post(world.gateway.url, order('before'))).status).toBe(202)
      await broker?.kill(signal)
      const started = performance.now()
      const answers = await Promise.all(
        ['a', 'b', 'c', 'd'].map(name => post(world.gateway.url, order(name))),
      )
      expect(performance.now() - started).toBeLessThan(5_000)
      for (const { status, json } of answers) {
        expect(status).toBe(503)
        expect(json.type).toMatch(/\/(log-unavailable|outcome-unknown)$/)
      }
      if (signal === 'SIGKILL') await broker?.start()
      else await broker?.kill('SIGCONT')
      await until(async () => (await post(world.gateway.url, order('after'))).status === 202)
    },
  )

  test('records that were acknowledged while the broker was killed are in the log, each once', async () => {
    const world = await start()
    const acknowledged: string[] = []
    let isOver = false
    const worker = async (name: string) => {
      for (let count = 0; !isOver; count++) {
        const { status, json } = await post(world.gateway.url, order(`${name}${count % 7}`))
        if (status === 202) acknowledged.push(`${json.position} ${json.id}`)
        else if (json.accepted !== undefined) throw new Error('a single record has no list')
      }
    }
    const workers = Array.from({ length: 8 }, (_, index) => worker(`w${index}-`))
    await until(() => acknowledged.length > 200)
    await kafka.brokers[0]?.kill('SIGKILL')
    await kafka.brokers[0]?.start()
    const before = acknowledged.length
    await until(() => acknowledged.length > before + 200)
    isOver = true
    await Promise.all(workers)
    const stored = await everything(world)
    expect(acknowledged.filter(entry => !stored.has(entry))).toEqual([])
    expect(new Set([...stored].map(entry => entry.split(' ')[1])).size).toBe(stored.size)
  })
})

/** `position id` of every record in the topic. */
async function everything({ log, topic }: World): Promise<Set<string>> {
  const counts = await topics.counts(topic)
  const positions = counts.flatMap((count, partition) =>
    Array.from({ length: count }, (_, offset) => ({ partition, offset })),
  )
  const entries = await Promise.all(
    positions.map(async ({ partition, offset }) => {
      const record = await log.recordAt(partition, BigInt(offset))
      return `${partition}-${offset} ${record?.headers.get(envelope.subject)?.toString()}`
    }),
  )
  return new Set(entries)
}

describe('the end of a gateway', () => {
  test('SIGTERM under load: every answer comes, everything acknowledged is in the log, exit code 0', async () => {
    const world = await start({ drainMs: 10_000 })
    const acknowledged: string[] = []
    const failures: string[] = []
    let isRouted = true
    const attempt = async (agent: Agent, customer: string): Promise<boolean> => {
      try {
        const { status, json } = await post(world.gateway.url, order(customer), undefined, agent)
        if (status === 202) acknowledged.push(`${json.position} ${json.id}`)
        else failures.push(`status ${status}`)
        return true
      } catch (error) {
        failures.push(String(error))
        return false
      }
    }
    const worker = async (name: string) => {
      const agent = new Agent({ connections: 1 })
      for (let count = 0; isRouted && (await attempt(agent, `${name}${count % 5}`)); count++);
      await agent.close()
    }
    const workers = Array.from({ length: 16 }, (_, index) => worker(`w${index}-`))
    await until(() => acknowledged.length > 300)
    world.gateway.signal('SIGTERM')
    await until(async () => (await world.gateway.readiness()) === 503)
    const atSignal = acknowledged.length
    await until(() => acknowledged.length > atSignal + 50)
    isRouted = false // as a Service does, somewhat after the pod stopped being ready
    expect(await world.gateway.exitCode).toBe(0)
    await Promise.all(workers)
    expect(failures).toEqual([])
    const stored = await everything(world)
    expect(acknowledged.filter(entry => !stored.has(entry))).toEqual([])
    expect(stored.size).toBe(acknowledged.length)
  })

  test('a second signal ends it at once with exit code 1', async () => {
    const { gateway } = await start({ drainMs: 60_000 })
    gateway.signal('SIGTERM')
    await until(async () => (await gateway.readiness()) === 503)
    gateway.signal('SIGTERM')
    expect(await gateway.exitCode).toBe(1)
  })

  test('a stop while it still looks for the log ends in order', async () => {
    const base = testSettings(noStore)
    const gateway = await startRole('gateway', base)
    onTestFinished(() => gateway.remove())
    await until(async () => (await gateway.readiness()) === 503)
    gateway.signal('SIGTERM')
    expect(await gateway.exitCode).toBe(0)
  })
})

describe('the way to the reader', () => {
  test('status, headers and a streamed body pass through; a reader that is gone answers 503', async () => {
    const chunk = Buffer.alloc(64 * 1024, 'x')
    const reader = createServer((question, answer) => {
      if (question.url === '/data/missing') {
        answer.writeHead(404, { 'content-type': 'application/problem+json' }).end('{"status":404}')
        return
      }
      answer.writeHead(200, { 'content-type': 'application/json', etag: '"7"', 'x-path': question.url ?? '' })
      for (let count = 0; count < 50; count++) answer.write(chunk)
      answer.end()
    })
    await new Promise<void>(resolve => reader.listen(0, '127.0.0.1', resolve))
    const readerUrl = `http://127.0.0.1:${addressOf(reader.address()).port}`
    const { gateway } = await start({ readerUrl })
    const page = await request(`${gateway.url}/data?customer=a%20b`)
    expect([page.statusCode, page.headers['etag'], page.headers['x-path']]).toEqual([
      200,
      '"7"',
      '/data?customer=a%20b',
    ])
    expect((await page.body.bytes()).length).toBe(50 * chunk.length)
    const missing = await request(`${gateway.url}/data/missing`)
    expect([missing.statusCode, await missing.body.text()]).toEqual([404, '{"status":404}'])
    const head = await request(`${gateway.url}/data/x`, { method: 'HEAD' })
    expect([head.statusCode, head.headers['etag']]).toEqual([200, '"7"'])
    reader.closeAllConnections()
    await new Promise(resolve => reader.close(resolve))
    const gone = await request(`${gateway.url}/data`)
    expect([gone.statusCode, gone.headers['retry-after']]).toEqual([503, '1'])
    await gone.body.dump()
  })
})

function addressOf(address: AddressInfo | string | null): AddressInfo {
  if (typeof address !== 'object' || address === null) throw new Error('the server does not listen')
  return address
}
