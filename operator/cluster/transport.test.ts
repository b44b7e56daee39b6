import { expect, test, vi } from 'vitest'
import type { ClusterError } from './errors.ts'
import { codeOf } from './testing/contract-objects.ts'
import { type Answering, json, refusal, scriptedServer } from './testing/scripted-server.ts'
import { createTransport, type TransportOptions } from './transport.ts'

async function transportTo(answering: Answering, options: Partial<TransportOptions> = {}) {
  const server = await scriptedServer(answering)
  const transport = createTransport({ access: server.access, version: '1.2.3', ...options })
  return { server, transport, [Symbol.asyncDispose]: () => server[Symbol.asyncDispose]() }
}

const get = { method: 'GET', path: '/api/v1/pods' } as const

test('connections are used again, and each request says who we are', async () => {
  await using world = await transportTo((_, response) => json(response, {}))
  for (let each = 0; each < 20; each += 1) await world.transport.send(get)
  const { seen } = world.server
  expect(new Set(seen.map(({ clientPort }) => clientPort)).size).toBeLessThanOrEqual(2)
  expect(seen[19]?.headers).toMatchObject({
    authorization: 'Bearer let-me-in',
    'user-agent': 'dataservice-operator/1.2.3',
  })
})

const refusals = [
  { status: 400, reason: 'BadRequest', code: 'Invalid' },
  { status: 401, reason: 'Unauthorized', code: 'Unauthorized' },
  { status: 403, reason: 'Forbidden', code: 'Forbidden' },
  { status: 404, reason: 'NotFound', code: 'NotFound' },
  { status: 409, reason: 'AlreadyExists', code: 'AlreadyExists' },
  { status: 409, reason: 'Conflict', code: 'Conflict' },
  { status: 410, reason: 'Expired', code: 'Gone' },
  { status: 422, reason: 'Invalid', code: 'Invalid' },
  { status: 500, reason: 'InternalError', code: 'Unavailable' },
  { status: 503, reason: 'ServiceUnavailable', code: 'Unavailable' },
  { status: 504, reason: 'Timeout', code: 'Unavailable' },
  { status: 302, reason: 'Found', code: 'Protocol' },
] as const

test.each(refusals)('$status $reason is $code', async ({ status, reason, code }) => {
  await using world = await transportTo((_, response) => refusal(response, status, reason))
  const error: ClusterError = await world.transport.send(get).then(
    () => expect.unreachable(),
    cause => cause,
  )
  expect(error).toMatchObject({ code, status, reason, retryable: code === 'Unavailable' })
  expect(error.message).toContain(`GET /api/v1/pods: ${status} no: ${reason}`)
})

test('the fields at fault are named', async () => {
  const details = { causes: [{ field: 'spec.selector', reason: 'FieldValueInvalid' }] }
  await using world = await transportTo((_, response) => refusal(response, 422, 'Invalid', { details }))
  await expect(world.transport.send(get)).rejects.toMatchObject({ fields: ['spec.selector'] })
})

test('429 is asked again after the time the server names, but a POST is not', async () => {
  let refused = 0
  await using world = await transportTo((request, response) => {
    if (request.method === 'GET' && refused > 0) return json(response, { fine: true })
    refused += 1
    response.setHeader('retry-after', '0')
    return refusal(response, 429, 'TooManyRequests')
  })
  expect(await world.transport.send(get)).toEqual({ fine: true })
  const post = world.transport.send({ ...get, method: 'POST', body: {} })
  await expect(post).rejects.toMatchObject({ code: 'TooManyRequests', retryAfterMs: 0, retryable: true })
  expect(world.server.seen.map(({ method }) => method)).toEqual(['GET', 'GET', 'POST'])
})

test('a write that is refused for longer than a second is not sent again: its time may be over by then', async () => {
  await using world = await transportTo((_, response) => {
    response.setHeader('retry-after', '2')
    refusal(response, 429, 'TooManyRequests')
  })
  const error = { code: 'TooManyRequests', retryAfterMs: 2_000 }
  await expect(world.transport.send({ ...get, method: 'PATCH', body: {} })).rejects.toMatchObject(error)
  expect(world.server.seen).toHaveLength(1)
})

test('a version that the server does not know yet counts as gone: only a list tells what there is', async () => {
  const details = { causes: [{ reason: 'ResourceVersionTooLarge', message: 'Too large resource version' }] }
  await using world = await transportTo((_, response) => refusal(response, 504, 'Timeout', { details }))
  expect(await codeOf(world.transport.send(get))).toBe('Gone')
})

test('a server that always says 429 is not asked for ever', async () => {
  await using world = await transportTo((_, response) => {
    response.setHeader('retry-after', '0')
    refusal(response, 429, 'TooManyRequests')
  })
  expect(await codeOf(world.transport.send(get))).toBe('TooManyRequests')
  expect(world.server.seen).toHaveLength(4)
})

test('an answer that does not come within the deadline is Unavailable', async () => {
  await using world = await transportTo(() => {}, { deadlineMs: 50 })
  expect(await codeOf(world.transport.send(get))).toBe('Unavailable')
})

test('a body that stops in its middle is Unavailable', async () => {
  await using world = await transportTo((_, response) => void response.writeHead(200).write('{"kind":'), {
    deadlineMs: 50,
  })
  expect(await codeOf(world.transport.send(get))).toBe('Unavailable')
})

test('an answer that is too large is TooLarge, one that is no JSON is Protocol', async () => {
  await using world = await transportTo(
    ({ path }, response) => void response.end(path === '/big' ? JSON.stringify('x'.repeat(200)) : '<html>'),
    { maxResponseBytes: 100 },
  )
  expect(await codeOf(world.transport.send({ method: 'GET', path: '/big' }))).toBe('TooLarge')
  expect(await codeOf(world.transport.send(get))).toBe('Protocol')
})

test('a server that is not there is Unavailable', async () => {
  const world = await transportTo((_, response) => json(response, {}))
  await world[Symbol.asyncDispose]()
  expect(await codeOf(world.transport.send(get))).toBe('Unavailable')
})

test('an aborted request is Unavailable at once', async () => {
  await using world = await transportTo(() => {})
  const stopping = new AbortController()
  const answer = codeOf(world.transport.send({ ...get, signal: stopping.signal }))
  await vi.waitFor(() => expect(world.server.seen).toHaveLength(1), { timeout: 5_000 })
  stopping.abort()
  expect(await answer).toBe('Unavailable')
})

test('a stream keeps its last bytes when the server ends right after them', async () => {
  await using world = await transportTo((_, response) => void response.writeHead(200).end('first\nlast\n'))
  for (let each = 0; each < 50; each += 1) {
    const stream = await world.transport.stream({
      ...get,
      idleMs: 1000,
      signal: new AbortController().signal,
    })
    const chunks: Uint8Array[] = []
    for await (const chunk of stream) chunks.push(chunk)
    expect(Buffer.concat(chunks).toString()).toBe('first\nlast\n')
  }
})

test('a stream on which nothing comes is Unavailable, however long it lived', async () => {
  await using world = await transportTo((_, response) => {
    response.writeHead(200)
    for (const delayMs of [40, 80, 120]) setTimeout(() => response.write('x'), delayMs)
  })
  const stream = await world.transport.stream({ ...get, idleMs: 100, signal: new AbortController().signal })
  let bytes = 0
  const reading = (async () => {
    for await (const chunk of stream) bytes += chunk.length
  })()
  await expect(reading).rejects.toMatchObject({
    code: 'Unavailable',
    message: expect.stringContaining('nothing came'),
  })
  expect(bytes).toBe(3)
})

test('each answer is counted with its status, and none with 0', async () => {
  const counted: string[] = []
  await using world = await transportTo(
    ({ path }, response) => (path === '/hangs' ? undefined : refusal(response, 404, 'NotFound')),
    { onAnswer: (method, status) => counted.push(`${method} ${status}`) },
  )
  await codeOf(world.transport.send(get))
  await codeOf(world.transport.send({ ...get, path: '/hangs', signal: AbortSignal.timeout(50) }))
  expect(counted).toEqual(['GET 404', 'GET 0'])
})
