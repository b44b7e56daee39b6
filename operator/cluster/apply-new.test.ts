/** Answers to an apply of something new that a real API server gives in rare moments only. */
import { expect, test } from 'vitest'
import { kubernetesCluster } from './kubernetes.ts'
import { silentLog } from './log.ts'
import { codeOf, configMap } from './testing/contract-objects.ts'
import { json, refusal, type SeenRequest, scriptedServer } from './testing/scripted-server.ts'
import { createTransport } from './transport.ts'

const versionOf = ({ body }: SeenRequest): unknown => JSON.parse(body).metadata.resourceVersion

/** `stored`: what a GET finds. With `isPicky` a version of something that is not there is a conflict. */
async function world({ stored, isPicky }: { stored?: object; isPicky: boolean }) {
  const server = await scriptedServer((request, response) => {
    if (request.method === 'GET') return stored ? json(response, stored) : refusal(response, 404, 'NotFound')
    const isRefused = stored !== undefined || (isPicky && versionOf(request) !== undefined)
    return isRefused ? refusal(response, 409, 'Conflict') : json(response, JSON.parse(request.body), 201)
  })
  const transport = createTransport({ access: server.access, version: 'test' })
  const cluster = kubernetesCluster({ transport, log: silentLog })
  return { cluster, seen: server.seen, [Symbol.asyncDispose]: () => server[Symbol.asyncDispose]() }
}

const wish = configMap('shop', { a: '1' })

test('one request where the name is free', async () => {
  await using server = await world({ isPicky: false })
  expect(await server.cluster.applyNew(wish)).toMatchObject({ kind: 'created' })
  expect(server.seen.map(({ method, query }) => [method, query['force']])).toEqual([['PATCH', 'false']])
})

test('an API server that refuses a version of nothing is asked without', async () => {
  await using server = await world({ isPicky: true })
  expect(await server.cluster.applyNew(wish)).toMatchObject({ kind: 'created', object: { data: { a: '1' } } })
  expect(server.seen.map(({ method }) => method)).toEqual(['PATCH', 'GET', 'PATCH'])
  expect(server.seen.at(-1)?.query['force']).toBe('false')
})

test('what came to be between the two is not touched', async () => {
  await using server = await world({ isPicky: true, stored: configMap('shop', { a: 'theirs' }) })
  expect(await server.cluster.applyNew(wish)).toEqual({ kind: 'exists' })
  expect(server.seen.map(({ method }) => method)).toEqual(['PATCH', 'GET'])
})

test('another refusal is an error', async () => {
  await using server = await scriptedServer((_request, response) => refusal(response, 403, 'Forbidden'))
  const transport = createTransport({ access: server.access, version: 'test' })
  const attempt = kubernetesCluster({ transport, log: silentLog }).applyNew(wish)
  expect(await codeOf(attempt)).toBe('Forbidden')
})
