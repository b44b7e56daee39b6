import { once } from 'node:events'
import { connect } from 'node:net'
import type { RouteOptions } from 'fastify'
import { expect, test } from 'vitest'
import type { CallerGuard } from './callers/guard.ts'
import { start } from './testing/gateway-app.ts'

/** A gateway at a port that lets a caller in only when the test says so. */
async function slowDoor(isChanging: boolean) {
  const entered = Promise.withResolvers<void>()
  const open = Promise.withResolvers<void>()
  const admitted = Promise.withResolvers<void>()
  const guard: CallerGuard = {
    authenticate: async () => {
      entered.resolve()
      await open.promise
      return { id: 'ann', scopes: new Set() }
    },
    authorization: {},
  }
  /** Tells that the route itself was asked whether it takes the request. */
  const onRoute = (route: RouteOptions) => {
    const { onRequest: admit } = route
    if (typeof admit !== 'function') return
    route.onRequest = function (...call) {
      queueMicrotask(admitted.resolve)
      return admit.apply(this, call)
    }
  }
  const { app, budget } = await start({ guard, isChanging, onRoute })
  const answerClosed = Promise.withResolvers<void>()
  app.server.prependListener('request', (_, answer) => answer.once('close', answerClosed.resolve))
  await app.listen({ port: 0, host: '127.0.0.1' })
  const address = app.server.address()
  const port = typeof address === 'object' && address !== null ? address.port : 0
  return { budget, port, entered, open, admitted, answerClosed }
}

test.each([
  ['a body', 'POST /data', 'application/json', false],
  ['a stream', 'POST /data', 'application/x-ndjson\r\nprefer: stream', false],
  ['a command', 'PUT /data/a', 'application/json', true],
])('room for %s is not kept for a client that left before it was let in', async (_, line, type, changing) => {
  const { budget, port, entered, open, admitted, answerClosed } = await slowDoor(changing)
  const client = connect(port, '127.0.0.1')
  const headers = `host: a\r\ncontent-type: ${type}\r\ntransfer-encoding: chunked`
  client.write(`${line} HTTP/1.1\r\n${headers}\r\n\r\n`)
  await entered.promise
  client.destroy()
  await Promise.all([once(client, 'close'), answerClosed.promise])
  open.resolve()
  await admitted.promise
  expect(budget.used).toBe(0)
})
