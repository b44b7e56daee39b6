/** Real sockets; a small server plays the pod. */
import { createServer, type RequestListener } from 'node:http'
import { expect, onTestFinished, test } from 'vitest'
import { httpReadiness } from './http.ts'
import { readinessContract } from './readiness.contract.ts'

const address = '127.0.0.1'

async function serve(listener: RequestListener) {
  const server = createServer(listener)
  await new Promise<void>(resolve => server.listen(0, address, resolve))
  const end = () =>
    new Promise<void>(resolve => {
      server.close(() => resolve())
      server.closeAllConnections()
    })
  onTestFinished(end)
  const bound = server.address()
  const port = typeof bound === 'object' && bound !== null ? bound.port : 0
  return { readiness: httpReadiness({ port }), end }
}

readinessContract(async () => {
  let current: { ready: boolean; text: string; progress?: string } = { ready: true, text: '' }
  const { readiness, end } = await serve((request, response) => {
    if (request.url === '/readyz') response.writeHead(current.ready ? 200 : 503).end(current.text)
    else if (request.url === '/progress' && current.progress !== undefined) response.end(current.progress)
    else response.writeHead(404).end('not found')
  })
  return {
    readiness,
    address,
    play: async answer => {
      if (answer === undefined) await end()
      else current = answer
    },
  }
})

test.each<[string, RequestListener]>([
  ['that takes the question and never answers', () => {}],
  ['that begins an answer and never ends it', (_, response) => void response.writeHead(503).write('part')],
  [
    'that sends elsewhere',
    (_, response) => void response.writeHead(302, { location: 'http://127.0.0.1:1' }).end(),
  ],
])('a pod %s is given up', async (_, listener) => {
  const { readiness } = await serve(listener)
  const started = performance.now()
  expect(await readiness.reasonOf(address)).toBeUndefined()
  expect(performance.now() - started).toBeLessThan(5_000)
})

test('of a flood only the beginning is read', async () => {
  const { readiness } = await serve((_, response) => void response.writeHead(503).end('x'.repeat(1_000_000)))
  expect((await readiness.reasonOf(address))?.length).toBeLessThanOrEqual(32 * 1024)
})
