import { Registry } from 'prom-client'
import { expect, test } from 'vitest'
import { order, start } from '../testing/gateway-app.ts'
import { type Limiter, rateLimit } from './rate-limit.ts'

type Answer = Awaited<ReturnType<Limiter['take']>>

async function limited(answers: readonly Answer[]) {
  const taken: string[] = []
  const rest = [...answers]
  const limiter: Limiter = {
    async take(caller) {
      taken.push(caller)
      return rest.shift() ?? { kind: 'away' }
    },
  }
  const metrics = new Registry()
  const limit = rateLimit({ requests: 2, perMs: 60_000 }, limiter, metrics)
  const guard = {
    authenticate: ({ 'x-api-key': key }: { 'x-api-key'?: string | string[] }) => ({
      id: `key:${key}`,
      scopes: new Set<never>(),
    }),
    authorization: {},
    limit,
  }
  return { ...(await start({ guard })), taken, limits: metrics }
}

test('answers tell what is left, and beyond it when to come again', async () => {
  const { post, log, limits, taken } = await limited([
    { kind: 'allowed', remaining: 1, resetMs: 30_000 },
    { kind: 'limited', retryMs: 29_100, resetMs: 59_100 },
    { kind: 'away' },
  ])
  const send = () => post(order('a'), 'application/json', { 'x-api-key': 'ann' })
  const first = await send()
  expect([first.statusCode, first.headers['ratelimit-policy'], first.headers['ratelimit']]).toEqual([
    202,
    '"caller";q=2;w=60',
    '"caller";r=1;t=30',
  ])
  const second = await send()
  expect([
    second.statusCode,
    second.headers['retry-after'],
    second.headers['ratelimit'],
    second.json(),
  ]).toEqual([
    429,
    '30',
    '"caller";r=0;t=60',
    {
      type: 'https://dataservice.dev/problems/rate-limited',
      title: 'The caller asks too often',
      status: 429,
      detail: 'A caller has 2 requests in 60 s.',
    },
  ])
  const third = await send()
  expect([third.statusCode, third.headers['ratelimit']]).toEqual([202, undefined])
  expect(log.contents.flat()).toHaveLength(2)
  expect(await limits.metrics()).toMatch(/rate_limit_total\{answer="away"\} 1/)
  expect(new Set(taken).size).toBe(1)
  expect(taken[0]).toMatch(/^[\w-]{22}$/)
})

const page = 'https://shop.example.test'
const refuses = {
  authenticate: () => {
    throw new Error('a preflight has no caller')
  },
  authorization: {},
}

test('a preflight is answered before callers are told, and allows nothing to other pages', async () => {
  const { app } = await start({ cors: { origins: [page] }, guard: refuses })
  const ask = (origin: string) =>
    app.inject({
      method: 'OPTIONS',
      url: '/data',
      headers: {
        origin,
        'access-control-request-method': 'POST',
        'access-control-request-headers': 'authorization',
      },
    })
  const ours = await ask(page)
  expect([ours.statusCode, ours.headers['access-control-allow-origin'], ours.headers['vary']]).toEqual([
    204,
    page,
    'Origin',
  ])
  expect(ours.headers['access-control-allow-headers']).toContain('authorization')
  expect(ours.headers['access-control-allow-credentials']).toBeUndefined()
  expect((await ask('https://evil.example.test')).headers['access-control-allow-origin']).toBeUndefined()
})

test('pages may read errors, too; without the rule there is no such header', async () => {
  const { app } = await start({ cors: { origins: ['*'] } })
  const answer = await app.inject({ url: '/data', headers: { origin: page } })
  expect([answer.statusCode, answer.headers['access-control-allow-origin']]).toEqual([503, '*'])
  expect(answer.headers['access-control-expose-headers']).toContain('retry-after')
  const closed = await (await start()).app.inject({
    method: 'OPTIONS',
    url: '/data',
    headers: { origin: page },
  })
  expect([closed.statusCode, closed.headers['access-control-allow-origin']]).toEqual([405, undefined])
})
