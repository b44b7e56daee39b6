import { once } from 'node:events'
import { createServer, type RequestListener } from 'node:http'
import { expect, onTestFinished, test } from 'vitest'
import { ReaderClient, type ReaderClientOptions } from './reader-client.ts'

async function start(
  listener: RequestListener,
  options: Partial<ReaderClientOptions> = {},
): Promise<ReaderClient> {
  const server = createServer(listener)
  await once(server.listen(0, '127.0.0.1'), 'listening')
  const address = server.address()
  const port = typeof address === 'object' && address !== null ? address.port : 0
  const client = new ReaderClient({ url: `http://127.0.0.1:${port}`, ...options })
  onTestFinished(async () => {
    server.closeAllConnections()
    server.close()
    await client.close()
  })
  return client
}

const question = { method: 'GET', path: '/data', headers: {} } as const

test('a reader that does not answer in time is a timeout', async () => {
  const client = await start(() => {}, { deadlineMs: 50 })
  expect(await client.ask(question)).toEqual({ kind: 'timeout' })
})

test('the deadline is over once the answer begins: its body may take longer', async () => {
  const client = await start(
    (_question, answer) => {
      answer.write('slow ')
      setTimeout(() => answer.end('body'), 150)
    },
    { deadlineMs: 100 },
  )
  const answer = await client.ask(question)
  if (answer.kind !== 'answer') throw new Error(answer.kind)
  expect((await answer.body.toArray()).join('')).toBe('slow body')
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
  expect((await answer.body.toArray()).join('')).toBe('second')
  const breaks = await start((_question, refusal) => {
    asked += 1
    refusal.destroy()
  })
  expect([await breaks.ask(question), asked]).toEqual([{ kind: 'unavailable' }, 4])
})

test('nobody listens: unavailable', async () => {
  const client = new ReaderClient({ url: 'http://127.0.0.1:1' })
  expect(await client.ask(question)).toEqual({ kind: 'unavailable' })
  await client.close()
})

test('beyond the bound of open questions the answer comes at once', async () => {
  const client = await start(() => {}, { deadlineMs: 200, maxOpen: 2 })
  const open = [client.ask(question), client.ask(question)]
  expect(await client.ask(question)).toEqual({ kind: 'unavailable' })
  expect(await Promise.all(open)).toEqual([{ kind: 'timeout' }, { kind: 'timeout' }])
})
