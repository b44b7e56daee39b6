import { randomFillSync } from 'node:crypto'
import { Readable } from 'node:stream'
import { pino } from 'pino'
import { Registry } from 'prom-client'
import { describe, expect, onTestFinished, test } from 'vitest'
import { judgeRecord, type RecordDeclaration } from '#dataservice/contract/record-schema.ts'
import { makeServer } from '#dataservice/platform/http/server.ts'
import { partitionOf } from '#dataservice/platform/kafka/partition.ts'
import { uuid7Maker } from '#dataservice/record/uuid7.ts'
import { Accumulator, type AccumulatorOptions } from './accumulator.ts'
import { gateway } from './app.ts'
import { byteBudget } from './budget.ts'
import type { ReaderAnswer, ReaderQuestion } from './reader-port.ts'
import { constantHeaders } from './submission.ts'
import { memoryLog } from './testing/memory-log.ts'

const now = Date.UTC(2026, 2, 1, 12)
const declaration: RecordDeclaration = {
  schema: {
    type: 'object',
    required: ['customerId', 'amount'],
    additionalProperties: false,
    properties: { customerId: { type: 'string', maxLength: 20 }, amount: { type: 'number' } },
  },
  key: '/customerId',
  indexes: [],
}

interface World {
  declaration?: RecordDeclaration
  accumulator?: Partial<AccumulatorOptions>
  budgetBytes?: number
  reader?: (question: ReaderQuestion) => ReaderAnswer
}

async function start(world: World = {}) {
  const log = memoryLog({ partitions: 3 })
  const verdict = judgeRecord(world.declaration ?? declaration)
  if (verdict.kind === 'refused') throw new Error(JSON.stringify(verdict.problems))
  const metrics = new Registry()
  const budget = byteBudget(world.budgetBytes ?? 64 * 1024 * 1024)
  const accumulator = new Accumulator({ appender: log, ...world.accumulator })
  const { app, drain } = makeServer({ log: pino({ level: 'silent' }), metrics })
  const questions: ReaderQuestion[] = []
  await app.register(gateway, {
    accumulator,
    budget,
    now: () => now,
    reader: {
      ask: async question => {
        questions.push(question)
        return world.reader?.(question) ?? { kind: 'unavailable' }
      },
      close: async () => {},
    },
    rules: {
      record: verdict.record,
      partitions: 3,
      newId: uuid7Maker({ now: () => now, random: bytes => void randomFillSync(bytes) }),
      constantHeaders: constantHeaders('/dataservices/shop/orders', verdict.record.schemaVersion),
    },
  })
  onTestFinished(() => app.close())
  const post = (payload: string | Buffer, type = 'application/json', headers: Record<string, string> = {}) =>
    app.inject({ method: 'POST', url: '/data', payload, headers: { 'content-type': type, ...headers } })
  return {
    app,
    log,
    post,
    metrics,
    questions,
    drain,
    budget,
    accumulator,
    schemaVersion: verdict.record.schemaVersion,
  }
}

const order = (customerId: string, amount: unknown = 1) => JSON.stringify({ customerId, amount })
const id = expect.stringMatching(/^019ca945-0a00-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/)

describe('POST /data', () => {
  test('one object: 202 with id, position and Location; the bytes stand in the log as they came', async () => {
    const { post, log, schemaVersion } = await start()
    const text = '  {"amount" : 1.50e0,\t"customerId":"\\u0061\u00e9"} \n'
    const answer = await post(text)
    const partition = partitionOf(Buffer.from('aé'), 3)
    expect([answer.statusCode, answer.json()]).toEqual([202, { id, position: `${partition}-0` }])
    expect(answer.headers['location']).toBe(`/data/${answer.json().id}`)
    const [record] = log.contents[partition] ?? []
    expect(record?.value.toString()).toBe(text.trim())
    expect(record?.key.toString()).toBe('aé')
    expect(
      Object.fromEntries(Object.entries(record?.headers ?? {}).map(([name, value]) => [name, String(value)])),
    ).toEqual({
      ce_specversion: '1.0',
      ce_id: answer.json().id,
      ce_subject: answer.json().id,
      ce_type: 'dev.dataservice.record.created',
      ce_source: '/dataservices/shop/orders',
      ce_time: '2026-03-01T12:00:00.000Z',
      'content-type': 'application/json',
      ce_schemaversion: schemaVersion,
    })
  })

  test('an array: ids and positions in input order', async () => {
    const { post, log } = await start()
    const answer = await post(`[${['a', 'b', 'c', 'a'].map(name => order(name)).join()}]`)
    expect(answer.statusCode).toBe(202)
    const { accepted } = answer.json()
    expect(accepted).toHaveLength(4)
    expect(accepted.map((each: { id: string }) => each.id)).toEqual(
      accepted.map((each: { id: string }) => each.id).toSorted(),
    )
    for (const [index, name] of ['a', 'b', 'c', 'a'].entries()) {
      const [partition, offset] = accepted[index].position.split('-').map(Number)
      expect(log.contents[partition]?.[offset]?.value.toString()).toBe(order(name))
    }
  })

  test.each(['application/x-ndjson', 'application/jsonl; charset=utf-8'])('lines as %s', async type => {
    const { post } = await start()
    const answer = await post(`${order('a')}\r\n\n${order('b')}\n`, type)
    expect([answer.statusCode, answer.json().accepted.length]).toEqual([202, 2])
  })

  test('an array of one is answered as a list', async () => {
    const { post } = await start()
    expect((await post(`[${order('a')}]`)).json()).toEqual({
      accepted: [{ id, position: expect.any(String) }],
    })
  })

  test('without a declared key the id is the key', async () => {
    const { post, log } = await start({ declaration: { schema: declaration.schema, indexes: [] } })
    const answer = await post(order('a'))
    expect(log.contents.flat()[0]?.key.toString()).toBe(answer.json().id)
  })

  test('validation is all or nothing and names every record that is wrong', async () => {
    const { post, log } = await start()
    const answer = await post(`[${[order('a'), order('b', '1'), order('c'), '5', '{}'].join()}]`)
    expect(answer.statusCode).toBe(400)
    expect(answer.headers['content-type']).toBe('application/problem+json')
    expect(answer.json()).toEqual({
      type: 'https://dataservice.dev/problems/invalid-record',
      title: 'A record does not match the schema',
      status: 400,
      errors: [
        { index: 1, pointer: '/amount', message: 'must be number' },
        { index: 3, pointer: '', message: 'must be object' },
        { index: 4, pointer: '', message: "must have required property 'customerId'" },
      ],
    })
    expect(log.contents.flat()).toEqual([])
  })

  test('no more than a hundred errors are listed', async () => {
    const { post } = await start()
    expect((await post(`[${'{},'.repeat(300)}{}]`)).json().errors).toHaveLength(100)
  })

  test('what could not be kept is refused with its place', async () => {
    const { post } = await start()
    const answer = await post(`[${order('a')},{"customerId":"b\\u0000"}]`)
    expect([answer.statusCode, answer.json()]).toMatchObject([
      400,
      {
        type: 'https://dataservice.dev/problems/invalid-json',
        errors: [{ index: 1, pointer: '/customerId' }],
      },
    ])
  })

  test('an integer key beyond 2^53 is refused: it could meet another one', async () => {
    const integer = {
      schema: { type: 'object', required: ['n'], properties: { n: { type: 'integer' } } },
      key: '/n',
      indexes: [],
    }
    const { post } = await start({ declaration: integer })
    expect((await post('{"n":9007199254740991}')).statusCode).toBe(202)
    expect((await post('{"n":9007199254740993}')).json().errors[0].pointer).toBe('/n')
  })

  test.each([
    ['text/plain', 415],
    ['', 415],
    ['application/json; charset=latin1', 415],
    ['application/json; x=y', 415],
    ['APPLICATION/JSON; Charset="UTF-8"', 202],
    ['application/json;charset=utf8', 202],
  ])('the content type %j answers %i', async (type, status) => {
    const { post } = await start()
    expect((await post(order('a'), type)).statusCode).toBe(status)
  })

  test('a compressed body is refused', async () => {
    const { post } = await start()
    expect((await post(order('a'), 'application/json', { 'content-encoding': 'gzip' })).statusCode).toBe(415)
  })

  test('an Idempotency-Key is refused as long as it is not honoured', async () => {
    const { post } = await start()
    expect((await post(order('a'), 'application/json', { 'idempotency-key': 'a' })).json().type).toMatch(
      /unsupported-header$/,
    )
  })

  test.each([
    ['a body', ' '.repeat(10 * 1024 * 1024 + 1)],
    ['a record', order('x'.repeat(921_600))],
    ['a number of records', `[${'{},'.repeat(10_000)}{}]`],
  ])('%s that is too large answers 413', async (_, body) => {
    const { post, budget } = await start()
    const answer = await post(body)
    expect([answer.statusCode, answer.json().type]).toEqual([
      413,
      'https://dataservice.dev/problems/payload-too-large',
    ])
    expect(budget.used).toBe(0)
  })
})

describe('a log that fails', () => {
  test('nothing certain to be lost is called accepted', async () => {
    const { post, log } = await start()
    log.decide(() => ({ kind: 'refused', reason: 'away' }))
    const answer = await post(order('a'))
    expect([answer.statusCode, answer.json().type, answer.headers['retry-after']]).toEqual([
      503,
      'https://dataservice.dev/problems/log-unavailable',
      '1',
    ])
  })

  test('one record of which nothing is known: its id to look for', async () => {
    const { post, log } = await start()
    log.decide(() => ({ kind: 'unknown', reason: 'cut' }))
    const answer = await post(order('a'))
    expect([answer.statusCode, answer.json()]).toMatchObject([
      503,
      { type: 'https://dataservice.dev/problems/outcome-unknown', id },
    ])
  })

  test('a list of which a part arrived: accepted, unknown and refused by index', async () => {
    const { post, log } = await start()
    log.decide(partition =>
      partition === 0 ? undefined : { kind: partition === 1 ? 'refused' : 'unknown', reason: 'cut' },
    )
    const names = Array.from({ length: 30 }, (_, index) => `c${index}`)
    const answer = await post(`[${names.map(name => order(name)).join()}]`)
    const { status, type, accepted, unknown, refused } = answer.json()
    expect([status, type]).toEqual([503, 'https://dataservice.dev/problems/outcome-unknown'])
    const indexes = (list: { index: number }[]) => list.map(({ index }) => index)
    const expected = (partition: number) =>
      names.flatMap((name, index) => (partitionOf(Buffer.from(name), 3) === partition ? [index] : []))
    expect([accepted, refused, unknown].map(indexes)).toEqual([expected(0), expected(1), expected(2)])
    expect(accepted[0]).toEqual({ index: expected(0)[0], id, position: '0-0' })
  })

  test('a log that does not answer is given up at the deadline', async () => {
    const { post, log } = await start({ accumulator: { deadlineMs: 20 } })
    log.hold(new Promise(() => {}))
    expect((await post(order('a'))).json().type).toMatch(/outcome-unknown$/)
  })

  test('a full accumulator and a spent budget refuse with Retry-After and keep nothing', async () => {
    const full = await start({ accumulator: { maxBytes: 10 } })
    const spent = await start({ budgetBytes: 10 })
    for (const { post, budget, accumulator } of [full, spent]) {
      const answer = await post(order('a'))
      expect([answer.statusCode, answer.json().type, answer.headers['retry-after']]).toEqual([
        503,
        'https://dataservice.dev/problems/overloaded',
        '1',
      ])
      expect([budget.used, accumulator.bytes]).toEqual([0, 0])
    }
  })
})

describe('reading goes to the reader', () => {
  const page = (): ReaderAnswer => ({
    kind: 'answer',
    status: 200,
    headers: {
      'content-type': 'application/json',
      etag: '"1"',
      connection: 'keep-alive',
      'transfer-encoding': 'chunked',
    },
    body: Readable.from(['{"items":', '[]}']),
  })

  test.each([
    '/data?status=open&limit=2',
    '/data/019ca945-0a00-7000-8000-000000000000',
    '/data/a%2Fb/events',
  ])('%s', async url => {
    const { app, questions } = await start({ reader: page })
    const answer = await app.inject({
      url,
      headers: { 'if-none-match': '"0"', cookie: 'secret=1', host: 'x' },
    })
    expect([answer.statusCode, answer.body, answer.headers['etag']]).toEqual([200, '{"items":[]}', '"1"'])
    expect(answer.headers['connection']).not.toBe('chunked')
    expect(questions).toEqual([{ method: 'GET', path: url, headers: { 'if-none-match': '"0"' } }])
  })

  test('problems of the reader pass through as they are', async () => {
    const problem = {
      kind: 'answer',
      status: 404,
      headers: { 'content-type': 'application/problem+json' },
      body: Readable.from(['{}']),
    } as const
    const { app } = await start({ reader: () => problem })
    const answer = await app.inject('/data/x')
    expect([answer.statusCode, answer.headers['content-type'], answer.body]).toEqual([
      404,
      'application/problem+json',
      '{}',
    ])
  })

  test('HEAD asks by HEAD', async () => {
    const { app, questions } = await start({
      reader: () =>
        ({ ...page(), headers: { 'content-length': '12' }, body: Readable.from([]) }) as ReaderAnswer,
    })
    const answer = await app.inject({ method: 'HEAD', url: '/data/x' })
    expect([answer.statusCode, answer.headers['content-length'], questions[0]?.method]).toEqual([
      200,
      '12',
      'HEAD',
    ])
  })

  test.each([
    ['unavailable', 503, 'reader-unavailable'],
    ['timeout', 504, 'reader-timeout'],
  ] as const)('a reader that is %s answers %i', async (kind, status, code) => {
    const { app } = await start({ reader: () => ({ kind }) })
    const answer = await app.inject('/data')
    expect([answer.statusCode, answer.json().type]).toEqual([
      status,
      `https://dataservice.dev/problems/${code}`,
    ])
  })
})

describe('the rest', () => {
  test.each([
    ['DELETE', '/data', 'GET, HEAD, POST'],
    ['PUT', '/data', 'GET, HEAD, POST'],
    ['POST', '/data/x', 'GET, HEAD'],
  ] as const)('%s %s answers 405 and what is allowed', async (method, url, allow) => {
    const { app } = await start()
    const answer = await app.inject({ method, url, payload: 'x', headers: { 'content-type': 'text/plain' } })
    expect([answer.statusCode, answer.headers['allow'], answer.json().type]).toEqual([
      405,
      allow,
      'https://dataservice.dev/problems/method-not-allowed',
    ])
  })

  test('an unknown path answers 404', async () => {
    const { app } = await start()
    expect((await app.inject('/nothing')).json()).toEqual({
      type: 'https://dataservice.dev/problems/not-found',
      title: 'Nothing is here',
      status: 404,
    })
  })

  test('a fault of ours says nothing about itself', async () => {
    const { app: broken } = await start({
      reader: () => {
        throw new Error('secret')
      },
    })
    const answer = await broken.inject('/data')
    expect([answer.statusCode, answer.body.includes('secret')]).toEqual([500, false])
  })

  test('requests are counted by pattern, method and class', async () => {
    const { app, post, metrics } = await start()
    await post(order('a'))
    await post('[')
    await app.inject('/data/1')
    await app.inject('/other')
    const text = await metrics.metrics()
    expect(text).toContain('dataservice_http_requests_total{route="/data",method="POST",status="2xx"} 1')
    expect(text).toContain('dataservice_http_requests_total{route="/data",method="POST",status="4xx"} 1')
    expect(text).toContain('dataservice_http_requests_total{route="/data/*",method="GET",status="5xx"} 1')
    expect(text).toContain('dataservice_http_requests_total{route="unmatched",method="GET",status="4xx"} 1')
  })

  test('once it drains, clients are asked to connect anew', async () => {
    const { post, drain } = await start()
    drain()
    const answer = await post(order('a'))
    expect([answer.statusCode, answer.headers['connection']]).toEqual([202, 'close'])
  })
})
