/** Long answers through the gateway, over real sockets. */
import { Readable } from 'node:stream'
import { expect, test, vi } from 'vitest'
import { soon } from '#e2e/engines/soon.ts'
import { start } from '../testing/gateway-app.ts'

test('a client that goes away in the middle of a long answer ends the question', async () => {
  const body = new Readable({ read() {} })
  body.push('x')
  const { app } = await start({
    reader: () => ({ kind: 'answer', status: 200, headers: { 'content-type': 'text/csv' }, body }),
  })
  const url = await app.listen({ port: 0, host: '127.0.0.1' })
  const leave = new AbortController()
  const answer = await fetch(`${url}/data`, { signal: leave.signal })
  await answer.body?.getReader().read()
  leave.abort()
  await vi.waitFor(() => expect(body.destroyed).toBe(true), soon)
})

test('an answer that breaks off breaks off for the client, too', async () => {
  const body = new Readable({ read() {} })
  body.push('x')
  const { app } = await start({
    reader: () => ({ kind: 'answer', status: 200, headers: { 'content-type': 'text/csv' }, body }),
  })
  const url = await app.listen({ port: 0, host: '127.0.0.1' })
  const answer = await fetch(`${url}/data`)
  body.destroy(new Error('the reader broke off'))
  await expect(answer.text()).rejects.toThrow()
})
