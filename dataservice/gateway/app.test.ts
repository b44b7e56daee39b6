import { expect, test } from 'vitest'
import { order, start } from './testing/gateway-app.ts'

test.each([
  ['DELETE', '/data', 'GET, HEAD, POST'],
  ['PUT', '/data', 'GET, HEAD, POST'],
  ['QUERY', '/data', 'GET, HEAD, POST'],
  ['TRACE', '/docs', 'GET, HEAD'],
  ['POST', '/data/x', 'GET, HEAD'],
] as const)('%s %s answers 405 and what is allowed', async (method, url, allow) => {
  const { app } = await start()
  const answer = await app.inject({ method, url, payload: 'x', headers: { 'content-type': 'text/plain' } })
  expect([answer.statusCode, answer.headers['allow'], answer.json().type]).toEqual([
    405,
    allow,
    'https://dataservice.dev/problems/method-not-allowed',
  ])
})

test('an unknown path answers 404', async () => {
  const { app } = await start()
  expect((await app.inject('/nothing')).json()).toEqual({
    type: 'https://dataservice.dev/problems/not-found',
    title: 'Nothing is here',
    status: 404,
  })
})

test('a fault of ours says nothing about itself', async () => {
  const { app: broken } = await start({
    reader: () => {
      throw new Error('secret')
    },
  })
  const answer = await broken.inject('/data')
  expect([answer.statusCode, answer.body.includes('secret')]).toEqual([500, false])
})

test('requests are counted by pattern, method and class', async () => {
  const { app, post, metrics } = await start()
  await post(order('a'))
  await post('[')
  await app.inject('/data/1')
  await app.inject('/other')
  const text = await metrics.metrics()
  expect(text).toContain('dataservice_http_requests_total{route="/data",method="POST",status="2xx"} 1')
  expect(text).toContain('dataservice_http_requests_total{route="/data",method="POST",status="4xx"} 1')
  expect(text).toContain('dataservice_http_requests_total{route="/data/*",method="GET",status="5xx"} 1')
  expect(text).toContain('dataservice_http_requests_total{route="unmatched",method="GET",status="4xx"} 1')
})

test('once it drains, clients are asked to connect anew', async () => {
  const { post, drain } = await start()
  drain()
  const answer = await post(order('a'))
  expect([answer.statusCode, answer.headers['connection']]).toEqual([202, 'close'])
})

test('a method without a content type where nothing is at all is the fault of the client', async () => {
  const { app } = await start()
  const answer = await app.inject({ method: 'QUERY', url: '/nothing' })
  expect([answer.statusCode, answer.json().type]).toEqual([
    400,
    'https://dataservice.dev/problems/bad-request',
  ])
})
