import { Readable } from 'node:stream'
import { gzipSync } from 'node:zlib'
import { expect, test, vi } from 'vitest'
import { envelope } from '#dataservice/record/envelope.ts'
import { idPattern, order, start } from '../testing/gateway-app.ts'
import { resultLines, type StreamAsked } from './post-stream.ts'
import { type ReadPorts, submissionOf } from './read-body.ts'

const lines = 'application/x-ndjson'
const stream = { prefer: 'stream' }
const parsed = (text: string): Record<string, unknown>[] =>
  text
    .split('\n')
    .filter(Boolean)
    .map(line => JSON.parse(line))
const asked = (ports: ReadPorts): StreamAsked => ({
  read: (body, first) => submissionOf({ headers: {} }, { body, format: 'lines', first }, ports),
  report: error => expect.unreachable(String(error)),
})
const id = expect.stringMatching(idPattern)

/** Pieces as they might come from a socket. */
const pieces = (...texts: string[]) =>
  Readable.from(
    texts.map(text => Buffer.from(text)),
    { objectMode: false },
  )

async function results(body: Readable, world = {}) {
  const started = await start(world)
  const text = await resultLines(body, { ...started.ports, ...world }, asked(started.ports)).toArray()
  return { ...started, lines: parsed(Buffer.concat(text).toString()) }
}

test('lines are answered at once, and stand in the log', async () => {
  const { app, log } = await start()
  const answer = await app.inject({
    method: 'POST',
    url: '/data',
    headers: { 'content-type': lines, ...stream },
    payload: pieces(`${order('a')}\n${order('b')}\n`, order('c')),
  })
  expect([answer.statusCode, answer.headers['content-type'], answer.headers['preference-applied']]).toEqual([
    200,
    lines,
    'stream',
  ])
  // How a socket cuts the body is its own affair.
  expect(parsed(answer.body).flatMap(({ accepted }) => accepted)).toHaveLength(3)
  expect(
    log.contents
      .flat()
      .map(({ value }) => String(value))
      .toSorted(),
  ).toEqual(['a', 'b', 'c'].map(name => order(name)))
})

test('a line of result for each batch, while the body comes', async () => {
  const { lines: told } = await results(
    pieces(`${order('a')}\n${order('b').slice(0, 9)}`, `${order('b').slice(9)}\n\n`, ' \n', order('c')),
  )
  const position = expect.stringMatching(/^\d-\d$/)
  expect(told).toEqual([
    { first: 0, accepted: [{ id, position }] },
    { first: 1, accepted: [{ id, position }] },
    { first: 2, accepted: [{ id, position }] },
  ])
})

test('what is refused ends it: all before it is in the log, nothing after it', async () => {
  const { lines: told, log } = await results(
    pieces(`${order('a')}\n`, `${order('b')}\n${order('c', '1')}\n`, `${order('d')}\n`),
  )
  expect(told).toEqual([
    { first: 0, accepted: [expect.anything()] },
    {
      first: 1,
      problem: {
        type: 'https://dataservice.dev/problems/invalid-record',
        title: 'A record does not match the schema',
        status: 400,
        errors: [{ index: 1, pointer: '/amount', message: 'must be number' }],
      },
    },
  ])
  expect(log.contents.flat()).toHaveLength(1)
})

test('a line without end is refused before it fills the memory', async () => {
  let pulled = 0
  const endless = Readable.from(
    (function* () {
      for (;;) {
        pulled += 1
        yield Buffer.alloc(64 * 1024, '1')
      }
    })(),
  )
  const { lines: told } = await results(endless)
  expect(told).toMatchObject([{ first: 0, problem: { status: 413 } }])
  expect(pulled).toBeLessThan(200)
})

test('a line of many small pieces is one record, and they are not kept until it ends', async () => {
  const text = order('x'.repeat(20), 1)
  const spaces = ' '.repeat(20_000)
  const concat = vi.spyOn(Buffer, 'concat')
  const { lines: told, log } = await results(pieces(...`${text}${spaces}\n${text}`))
  const most = Math.max(0, ...concat.mock.calls.map(([list]) => list.length))
  concat.mockRestore()
  expect(most).toBeLessThan(1_000)
  expect(told.map(({ first }) => first)).toEqual([0, 1])
  expect(log.contents.flat().map(({ value }) => String(value))).toEqual([text, text])
})

test('nothing more is read while nobody reads the results', async () => {
  let pulled = 0
  const batch = Buffer.from(`${Array.from({ length: 100 }, () => order('a')).join('\n')}\n`)
  const body = Readable.from(
    (function* () {
      for (; pulled < 40; pulled++) yield batch
    })(),
    { highWaterMark: 1 },
  )
  const { ports, log } = await start()
  const told = resultLines(body, ports, asked(ports))
  const iterator = told[Symbol.asyncIterator]()
  await iterator.next()
  const isFull = () => told.readableLength >= told.readableHighWaterMark
  await expect.poll(isFull, { timeout: 60_000 }).toBe(true)
  const [before, stored] = [pulled, log.contents.flat().length]
  // Turns of the event loop in which an unbounded reader would have gone on.
  for (let turn = 0; turn < 200; turn++) await new Promise(resolve => setImmediate(resolve))
  expect([pulled, log.contents.flat().length]).toEqual([before, stored])
  expect(before).toBeLessThan(20)
  let count = 1
  while (!(await iterator.next()).done) count += 1
  expect([pulled, log.contents.flat().length]).toEqual([40, 4_000])
  expect(count).toBeGreaterThan(1)
})

test('trouble with the log is told in the last line', async () => {
  const full = await results(pieces(order('a')), { isLogFull: () => true })
  expect(full.lines).toMatchObject([{ first: 0, problem: { type: expect.stringMatching(/log-full$/) } }])
  const { ports, log } = await start()
  log.decide(() => ({ kind: 'refused', reason: 'away' }))
  const [text] = await resultLines(pieces(order('a')), ports, asked(ports)).toArray()
  expect(JSON.parse(text)).toMatchObject({ problem: { type: expect.stringMatching(/log-unavailable$/) } })
})

test('a pod that is about to stop says so between two batches', async () => {
  let turns = 0
  const isDraining = () => turns++ > 0
  const { lines: told, log } = await results(pieces(`${order('a')}\n`, order('b')), { isDraining })
  expect(told).toMatchObject([
    { first: 0, accepted: [expect.anything()] },
    { first: 1, problem: { type: expect.stringMatching(/going-away$/) } },
  ])
  expect(log.contents.flat()).toHaveLength(1)
})

test('what fails on our side is reported, and the client learns nothing of it', async () => {
  const { ports } = await start()
  const reported: unknown[] = []
  const bug = new Error('a secret')
  const broken = {
    ...ports,
    now: () => {
      throw bug
    },
  }
  const told = resultLines(pieces(order('a')), broken, {
    ...asked(broken),
    report: error => reported.push(error),
  })
  const text = Buffer.concat(await told.toArray()).toString()
  expect([reported, parsed(text)]).toEqual([
    [bug],
    [{ first: 0, problem: expect.objectContaining({ type: expect.stringMatching(/internal$/) }) }],
  ])
  expect(text).not.toContain('secret')
})

test('short lines are cut into batches that a body could have', async () => {
  const declared = { schema: { type: 'object' }, indexes: [] }
  const body = pieces(`${'{}\n'.repeat(10_001)}${'\n'.repeat(20_000)}`)
  const { lines: told } = await results(body, { declaration: declared })
  expect(told.map(({ first, accepted }) => [first, Array.isArray(accepted) && accepted.length])).toEqual([
    [0, 10_000],
    [10_000, 1],
  ])
})

test('with less than acks=all each line says who has its records', async () => {
  const { post, log } = await start()
  const answer = await post(order('a'), lines, { prefer: 'stream, acks=0' })
  expect([answer.headers['preference-applied'], answer.json(), log.acks]).toEqual([
    'stream, acks=0',
    { first: 0, accepted: [{ id }], durability: 'none' },
    [0],
  ])
})

test('with an Idempotency-Key each line has the key with its place, however the stream is cut', async () => {
  const world = async (...texts: string[]) => {
    const { app, log } = await start()
    const headers = { 'content-type': lines, ...stream, 'idempotency-key': 'k' }
    await app.inject({ method: 'POST', url: '/data', headers, payload: pieces(...texts) })
    return log.contents.flat().map(({ headers }) => String(headers[envelope.requestKey]))
  }
  const [once, cut] = [
    await world(`${order('a')}\n${order('a')}\n`),
    await world(`${order('a')}\n`, order('a')),
  ]
  expect([new Set(once).size, cut]).toEqual([2, once])
  const { post } = await start()
  const refused = await post(order('a'), lines, { ...stream, 'idempotency-key': 'x'.repeat(256) })
  expect(refused.statusCode).toBe(400)
})

test('a packed stream is refused before it starts', async () => {
  const { post, budget } = await start()
  const answer = await post(gzipSync(order('a')), lines, { ...stream, 'content-encoding': 'gzip' })
  expect([answer.statusCode, answer.json().detail, budget.used]).toEqual([
    415,
    'A stream is sent as it is, without Content-Encoding.',
    0,
  ])
})

test.each([
  ['application/json', 'stream'],
  [lines, 'respond-async'],
])('without lines or the preference it is a usual POST: %s, %s', async (type, prefer) => {
  const { post } = await start()
  expect((await post(order('a'), type, { prefer })).statusCode).toBe(202)
})

test('a stream that holds no room in the budget is refused', async () => {
  const { post, budget } = await start({ budgetBytes: 1024 })
  const answer = await post(order('a'), lines, stream)
  expect([answer.statusCode, budget.used]).toEqual([503, 0])
})
