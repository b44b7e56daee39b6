import { Readable } from 'node:stream'
import { describe, expect, test } from 'vitest'
import type { ReaderAnswer } from '../reader-port.ts'
import { start } from '../testing/gateway-app.ts'

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

  test('what is between the reader and us reaches no client', async () => {
    const headers = { etag: '"1"', 'dataservice-keep-ms': '10000' }
    const { app } = await start({
      reader: () => ({ kind: 'answer', status: 200, headers, body: Buffer.from('{}') }),
    })
    expect(Object.keys((await app.inject('/data/x')).headers)).not.toContain('dataservice-keep-ms')
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

  test('a reader that is left alone shows the state of the circuit', async () => {
    const { app } = await start({ reader: () => ({ kind: 'unavailable', circuit: 'open' }) })
    const answer = await app.inject('/data')
    expect([answer.statusCode, answer.json().circuit, answer.headers['retry-after']]).toEqual([
      503,
      'open',
      '1',
    ])
  })

  test('an answer as a whole, and one without a body', async () => {
    const headers = { 'content-type': 'application/json', etag: '"1"' }
    const whole = await start({
      reader: () => ({ kind: 'answer', status: 200, headers, body: Buffer.from('{}') }),
    })
    expect((await whole.app.inject('/data/x')).body).toBe('{}')
    const known = await start({
      reader: () => ({ kind: 'answer', status: 304, headers, body: Buffer.alloc(0) }),
    })
    const answer = await known.app.inject('/data/x')
    expect([answer.statusCode, answer.body, answer.headers['etag']]).toEqual([304, '', '"1"'])
  })

  test('a token goes along', async () => {
    const { app, questions } = await start({ reader: page })
    await app.inject({ url: '/data', headers: { 'consistency-token': 'abc' } })
    expect(questions[0]?.headers).toEqual({ 'consistency-token': 'abc' })
  })
})
