/** What only a real socket shows. */
import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { text } from 'node:stream/consumers'
import { pino } from 'pino'
import { Registry } from 'prom-client'
import { expect, onTestFinished, test } from 'vitest'
import { readEnvironment } from '../environment.ts'
import { resource } from './resource.ts'
import { makeServer, type ServerOptions, takeYourTime } from './server.ts'

async function start(options: Pick<ServerOptions, 'requestTimeoutMs' | 'silentMs' | 'hasOwnCallers'> = {}) {
  const server = makeServer({ log: pino({ level: 'silent' }), metrics: new Registry(), ...options })
  const bodies: unknown[] = []
  const entered = Promise.withResolvers<void>()
  const hold = Promise.withResolvers<void>()
  resource(server.app, '/echo', {
    POST: async request => {
      bodies.push(request.body)
      return request.body
    },
  })
  resource(server.app, '/slow', {
    GET: async () => {
      entered.resolve()
      await hold.promise
      return 'done'
    },
  })
  resource(server.app, '/large', { GET: async () => Buffer.alloc(64 * 2 ** 20) })
  server.app.post('/long', {
    onRequest: (request, reply) => {
      takeYourTime(request, reply)
      reply.send(request.raw)
    },
    handler: async () => '',
  })
  await server.listen({ port: 0, host: '127.0.0.1' })
  onTestFinished(() => server.app.close())
  const address = server.app.server.address()
  const port = typeof address === 'object' && address !== null ? address.port : 0
  const send = (request: string): Promise<string> => {
    const socket = connect(port, '127.0.0.1')
    socket.write(request)
    return text(socket)
  }
  return { ...server, entered: entered.promise, hold, send, port, bodies }
}

const problem = (code: string) => `"type":"https://dataservice.dev/problems/${code}"`

test.each([
  ['no HTTP at all', 'hello\r\n\r\n', 400, 'bad-request'],
  [
    'headers that are too large',
    `GET / HTTP/1.1\r\nhost: a\r\nx: ${'x'.repeat(20_000)}\r\n\r\n`,
    431,
    'headers-too-large',
  ],
  [
    'two lengths',
    'POST /echo HTTP/1.1\r\nhost: a\r\ncontent-length: 1\r\ncontent-length: 2\r\n\r\nab',
    400,
    'bad-request',
  ],
  [
    'a length and chunks, the way of smuggled requests',
    'POST /echo HTTP/1.1\r\nhost: a\r\ncontent-length: 5\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n',
    400,
    'bad-request',
  ],
])('%s is answered by a problem document and the connection ends', async (_, request, status, code) => {
  const { send } = await start()
  const answer = await send(request)
  expect(answer).toMatch(new RegExp(`^HTTP/1.1 ${status} `))
  expect(answer).toContain('content-type: application/problem+json')
  expect(answer).toContain(problem(code))
})

const half = 'POST /echo HTTP/1.1\r\nhost: a\r\ncontent-type: a/b\r\ncontent-length: 10\r\n\r\n12345'

test('a body that comes too slowly is given up with 408', async () => {
  const { send, bodies } = await start({ requestTimeoutMs: 300 })
  const answer = await send(half)
  expect(answer).toMatch(/^HTTP\/1.1 408 /)
  expect(answer).toContain(problem('request-timeout'))
  expect(bodies).toEqual([])
})

test('a request that may take its time is not cut off, and its answer goes out meanwhile', async () => {
  const { port, send } = await start({ requestTimeoutMs: 300 })
  const socket = connect(port, '127.0.0.1')
  socket.write(half.replace('/echo', '/long').replace('host: a', 'host: a\r\nconnection: close'))
  const answer = text(socket)
  await once(socket, 'data')
  // By now it is older than those that were given up.
  expect(await send(half)).toMatch(/^HTTP\/1.1 408 /)
  expect(await send(half)).toMatch(/^HTTP\/1.1 408 /)
  socket.write('67890')
  expect(await answer).toMatch(/^HTTP\/1.1 200 [\s\S]*12345[\s\S]*67890/)
})

test('half a body never reaches a route, and the next client is served', async () => {
  const { port, send, bodies, app } = await start()
  const socket = connect(port, '127.0.0.1')
  await new Promise(resolve => socket.write(half, resolve))
  socket.end()
  await once(socket.resume(), 'close')
  const whole = half.replace('content-length: 10', 'content-length: 5\r\nconnection: close')
  expect(await send(whole)).toMatch(/12345$/)
  expect(bodies).toEqual([Buffer.from('12345')])
  await app.close()
})

test('a request in flight is answered while the server closes, and nothing is kept open', async () => {
  const { app, entered, hold, send } = await start()
  const slow = send('GET /slow HTTP/1.1\r\nhost: a\r\n\r\n')
  await entered
  const closed = app.close()
  hold.resolve()
  expect(await slow).toMatch(/^HTTP\/1.1 200 OK\r\n.*done$/s)
  await closed
})

const get = (connection: string) => `GET /nothing HTTP/1.1\r\nHost: x\r\nConnection: ${connection}\r\n\r\n`

test.each([
  { hasOwnCallers: true, told: null },
  { hasOwnCallers: false, told: 'timeout=4' },
])(
  'own callers $hasOwnCallers: a kept connection serves on, and its idle time told is $told',
  async ({ hasOwnCallers, told }) => {
    const { send } = await start({ hasOwnCallers })
    const [first = '', second = ''] = (await send(get('keep-alive') + get('close'))).split(/(?<=\})(?=HTTP)/)
    expect(/^keep-alive: (.*)$/im.exec(first)?.[1] ?? null).toBe(told)
    expect(second).toMatch(/^HTTP\/1\.1 404 /)
  },
)

test('who heeds the told idle time leaves before a drain is over; who does not is kept longer', async () => {
  const { app, port } = await start()
  const accepted = once(app.server, 'connection')
  const client = connect(port, '127.0.0.1')
  const [kept]: Socket[] = await accepted
  client.write(get('keep-alive'))
  const [answer] = await once(client, 'data')
  const toldMs = Number(/^keep-alive: timeout=(\d+)\r$/im.exec(String(answer))?.[1]) * 1_000
  expect(toldMs).toBeLessThan(readEnvironment(['gateway'], { HOSTNAME: 'x' }).drainMs)
  await expect.poll(() => kept?.timeout).toBe(65_000)
  client.destroy()
})

test('own callers are asked to connect anew by a server that drains', async () => {
  const { send, drain } = await start({ hasOwnCallers: true })
  drain()
  expect(await send(get('keep-alive'))).toMatch(/^connection: close\r$/m)
})

test('a client that reads nothing of its answer keeps nothing open; one that reads slowly gets all of it', async () => {
  const { port } = await start({ silentMs: 500 })
  const ask = (): Socket => connect(port, '127.0.0.1').setNoDelay()
  const get = 'GET /large HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n'
  const deaf = ask()
  deaf.on('error', () => {}).pause()
  deaf.write(get)
  const slow = ask()
  let read = 0
  slow.on('data', chunk => {
    read += chunk.length
    slow.pause()
    setTimeout(() => slow.resume(), 1)
  })
  slow.write(get)
  await once(slow, 'end')
  expect(read).toBeGreaterThan(64 * 2 ** 20)
  deaf.resume() // hears only now that nobody waits for it any more
  await once(deaf, 'close')
  expect(deaf.bytesRead).toBeLessThan(64 * 2 ** 20)
})
