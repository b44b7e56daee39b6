import { once } from 'node:events'
import { createServer, type RequestListener } from 'node:http'
import type { Readable } from 'node:stream'
import { expect, onTestFinished, test, vi } from 'vitest'
import { soon } from '#e2e/engines/soon.ts'
import { makeCircuit } from '../circuit.ts'
import { isReaderFailure, ReaderClient, type ReaderClientOptions } from './reader-client.ts'

async function start(
  listener: RequestListener,
  options: Partial<ReaderClientOptions> = {},
): Promise<ReaderClient> {
  const server = createServer(listener)
  await once(server.listen(0, '127.0.0.1'), 'listening')
  const address = server.address()
  const port = typeof address === 'object' && address !== null ? address.port : 0
  const client = new ReaderClient({ url: `http://127.0.0.1:${port}`, key: 'k', ...options })
  onTestFinished(async () => {
    server.closeAllConnections()
    server.close()
    await client.close()
  })
  return client
}

const text = async (body: Buffer | Readable) =>
  Buffer.isBuffer(body) ? body.toString() : (await body.toArray()).join('')

const question = { method: 'GET', path: '/data', headers: {} } as const

test('a reader that does not answer in time is a timeout', async () => {
  const client = await start(() => {}, { deadlineMs: 50 })
  expect(await client.ask(question)).toEqual({ kind: 'timeout' })
})

test('the deadline is over once the answer begins: its body may take longer', async () => {
  const client = await start(
    (_question, answer) => {
      answer.write('slow ')
      setTimeout(() => answer.end('body'), 1_500)
    },
    { deadlineMs: 1_000 },
  )
  const answer = await client.ask(question)
  if (answer.kind !== 'answer') throw new Error(answer.kind)
  expect(await text(answer.body)).toBe('slow body')
})

test('a connection that breaks is tried once more, and no third time', async () => {
  let asked = 0
  const mends = await start((_question, answer) => {
    asked += 1
    if (asked === 1) answer.destroy()
    else answer.end('second')
  })
  const answer = await mends.ask(question)
  if (answer.kind !== 'answer') throw new Error(answer.kind)
  expect(await text(answer.body)).toBe('second')
  const breaks = await start((_question, refusal) => {
    asked += 1
    refusal.destroy()
  })
  expect([await breaks.ask(question), asked]).toEqual([{ kind: 'unavailable' }, 4])
})

test('each question carries the key; a reader of another key counts as away', async () => {
  const keys: (string | undefined)[] = []
  const client = await start((asked, answer) => {
    keys.push(asked.headers.authorization)
    answer.writeHead(401, { 'www-authenticate': 'Bearer' }).end('{}')
  })
  expect(await client.ask({ ...question, headers: { authorization: 'Bearer of the client' } })).toEqual({
    kind: 'unavailable',
  })
  expect(keys).toEqual(['Bearer k', 'Bearer k'])
})

test('nobody listens: unavailable', async () => {
  const client = new ReaderClient({ url: 'http://127.0.0.1:1', key: 'k' })
  expect(await client.ask(question)).toEqual({ kind: 'unavailable' })
  await client.close()
})

test('beyond the bound of open questions the answer comes at once', async () => {
  const client = await start(() => {}, { deadlineMs: 200, maxOpen: 2 })
  const open = [client.ask(question), client.ask(question)]
  expect(await client.ask(question)).toEqual({ kind: 'unavailable' })
  expect(await Promise.all(open)).toEqual([{ kind: 'timeout' }, { kind: 'timeout' }])
})

test('the reader hears how much time is left, less on the second try', async () => {
  const heard: number[] = []
  const client = await start(
    (asked, answer) => {
      heard.push(Number(asked.headers['dataservice-deadline-ms']))
      if (heard.length === 1) setTimeout(() => answer.destroy(), 100)
      else answer.end('x')
    },
    { deadlineMs: 1_000 },
  )
  await client.ask(question)
  expect(heard[0]).toBe(950)
  expect(heard[1]).toBeLessThanOrEqual(860)
})

test('a short answer is a whole, a long one a stream that waits for whoever reads it', async () => {
  const large = 20 * 1024 * 1024
  let sent = 0
  const client = await start((asked, answer) => {
    if (asked.url === '/short') return void answer.end('short')
    const more = () => {
      while (sent < large) {
        sent += 65_536
        if (!answer.write(Buffer.alloc(65_536, 'x'))) return void answer.once('drain', more)
      }
      answer.end()
    }
    more()
  })
  const short = await client.ask({ ...question, path: '/short' })
  expect(short).toMatchObject({ kind: 'answer', status: 200, body: Buffer.from('short') })
  const long = await client.ask({ ...question, path: '/long' })
  if (long.kind !== 'answer' || Buffer.isBuffer(long.body)) throw new Error('not a stream')
  await vi.waitFor(() => expect(sent).toBeGreaterThan(0), soon)
  let before = -1
  await vi.waitFor(() => {
    const stands = before === sent
    before = sent
    expect(stands).toBe(true)
  })
  expect(sent).toBeLessThan(large) // the sockets are full, and nobody has read anything
  expect((await text(long.body)).length).toBe(large)
})

test('a client that stops reading ends the question', async () => {
  const closed = Promise.withResolvers<void>()
  const client = await start((_asked, answer) => {
    answer.once('close', () => closed.resolve())
    answer.write('x')
  })
  const answer = await client.ask(question)
  if (answer.kind !== 'answer' || Buffer.isBuffer(answer.body)) throw new Error('not a stream')
  answer.body.destroy()
  await closed.promise
})

test('exports have connections of their own, and a bound of their own', async () => {
  const client = await start(
    (asked, answer) => {
      answer.write('x')
      if (asked.headers.accept === undefined) answer.end()
    },
    { connections: 1, maxExports: 1 },
  )
  const wanted = { ...question, headers: { accept: 'text/csv' } }
  const first = await client.ask(wanted)
  if (first.kind !== 'answer' || Buffer.isBuffer(first.body)) throw new Error('not a stream')
  expect(await client.ask(wanted)).toEqual({ kind: 'unavailable' })
  expect(await client.ask(question)).toMatchObject({ kind: 'answer' })
  first.body.destroy()
  await vi.waitFor(async () => expect(await client.ask(wanted)).toMatchObject({ kind: 'answer' }), soon)
})

test('a reader that fails again and again is left alone, tried by one question, and used again', async () => {
  const states: string[] = []
  const circuit = makeCircuit({
    isFailure: isReaderFailure,
    failures: 3,
    openMs: 2_000,
    onChange: state => states.push(state),
  })
  let asked = 0
  let works = false
  const client = await start(
    (_asked, answer) => {
      asked += 1
      if (works) answer.end('x')
      else answer.destroy()
    },
    { circuit },
  )
  for (let n = 0; n < 3; n++) expect(await client.ask(question)).toEqual({ kind: 'unavailable' })
  expect([asked, circuit.state]).toEqual([6, 'open'])
  expect(await client.ask(question)).toEqual({ kind: 'unavailable', circuit: 'open' })
  expect(asked).toBe(6)
  works = true
  await vi.waitFor(async () => expect(await client.ask(question)).toMatchObject({ kind: 'answer' }), {
    timeout: 20_000,
  })
  expect([circuit.state, states]).toEqual(['closed', ['open', 'half-open', 'closed']])
})
