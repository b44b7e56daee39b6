import { describe, expect, test } from 'vitest'
import { partitionOf } from '#dataservice/platform/kafka/partition.ts'
import { declaration, idPattern, order, start } from '../testing/gateway-app.ts'

const id = expect.stringMatching(idPattern)

describe('POST /data', () => {
  test('one object: 202 with id, position and Location; the bytes stand in the log as they came', async () => {
    const { post, log, schemaVersion } = await start()
    const text = '  {"amount" : 1.50e0,\t"customerId":"\\u0061\u00e9"} \n'
    const answer = await post(text)
    const partition = partitionOf(Buffer.from('aé'), 3)
    expect([answer.statusCode, answer.json()]).toEqual([202, { id, position: `${partition}-0` }])
    expect(answer.headers['location']).toBe(`/data/${answer.json().id}`)
    const [record] = log.contents[partition] ?? []
    expect(record?.value?.toString()).toBe(text.trim())
    expect(record?.key.toString()).toBe('aé')
    expect({ ...record?.shared?.headers, ...record?.headers }).toEqual({
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
      expect(log.contents[partition]?.[offset]?.value?.toString()).toBe(order(name))
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

  test('with validate=only nothing is stored, and the answer is that of the same POST', async () => {
    const { app, log } = await start({ isLogFull: true })
    const ask = (payload: string, headers: Record<string, string> = {}) =>
      app.inject({
        method: 'POST',
        url: '/data?validate=only',
        payload,
        headers: { 'content-type': 'application/x-ndjson', ...headers },
      })
    const good = await ask(`${order('a')}\n${order('b')}`)
    expect([good.statusCode, good.json()]).toEqual([200, { valid: 2 }])
    const bad = await ask(`${order('a')}\n${order('b', '1')}`)
    expect([bad.statusCode, bad.json().errors]).toEqual([
      400,
      [{ index: 1, pointer: '/amount', message: 'must be number' }],
    ])
    const streamed = await ask(order('a'), { prefer: 'stream' })
    expect(streamed.json()).toEqual({ valid: 1 })
    expect(log.contents.flat()).toEqual([])
  })

  test('another value of validate is refused: nobody wants it stored by mistake', async () => {
    const { app, log } = await start()
    const answer = await app.inject({
      method: 'POST',
      url: '/data?validate=Only',
      payload: order('a'),
      headers: { 'content-type': 'application/json' },
    })
    expect([answer.statusCode, answer.json().errors[0].parameter]).toEqual([400, 'validate'])
    expect(log.contents.flat()).toEqual([])
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

  test('a log whose writers are far behind takes nothing more and says when to come again', async () => {
    const { post, log, budget } = await start({ isLogFull: true })
    const answer = await post(order('a'))
    expect([answer.statusCode, answer.json().type, answer.headers['retry-after']]).toEqual([
      503,
      'https://dataservice.dev/problems/log-full',
      '30',
    ])
    expect([log.contents.flat(), budget.used]).toEqual([[], 0])
  })

  test('a log that does not answer is given up at the deadline', async () => {
    const { post, log } = await start({ accumulator: { deadlineMs: 300 } })
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
