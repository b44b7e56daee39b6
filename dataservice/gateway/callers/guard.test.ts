import { createHash } from 'node:crypto'
import { Readable } from 'node:stream'
import { beforeAll, describe, expect, test } from 'vitest'
import type { AuthorizationRules } from '#dataservice/contract/gateway-rules.ts'
import { envelope } from '#dataservice/record/envelope.ts'
import { order, start, type World } from '../testing/gateway-app.ts'
import { type Issuer, issuer, tokenRules } from '../testing/issuer.ts'
import { KeyRing, readEntry } from './api-keys.ts'
import { authentication } from './authentication.ts'
import { KeySet } from './key-set.ts'

const key = (name: string) => `${name}-0123456789abcdef0123456789abcdef`
const entry = (name: string, ...lines: string[]) =>
  readEntry(name, [`sha256:${createHash('sha256').update(key(name)).digest('hex')}`, ...lines].join('\n'))
const ring = new KeyRing([
  entry('all', 'scopes: read write admin'),
  entry('reader', 'scopes: read', 'key: c1'),
  entry('writer', 'scopes: write', 'key: c1'),
  entry('bare'),
])

let ours: Issuer
beforeAll(async () => {
  ours = await issuer('one')
})

interface Rules {
  authorization?: AuthorizationRules
  apiKeys?: boolean
  jwt?: boolean
  isAway?: boolean
}

function closed(
  { authorization = {}, apiKeys = true, jwt = true, isAway = false }: Rules = {},
  world: World = {},
) {
  const counts: string[] = []
  const authenticate = authentication({
    realm: 'shop/orders',
    rules: { authentication: { apiKeys, ...(jwt && { jwt: tokenRules }) }, authorization },
    ...(apiKeys && { apiKeys: () => ring }),
    ...(jwt && {
      keySet: new KeySet({
        load: () => (isAway ? Promise.reject(new Error('away')) : ours.keySet()),
        restMs: 1_000,
        now: () => 0,
        tried: () => {},
      }),
    }),
    count: (method, result) => counts.push(`${method} ${result}`),
  })
  const ok = () => ({ kind: 'answer' as const, status: 200, headers: {}, body: Readable.from(['{}']) })
  return start({ reader: ok, ...world, guard: { authenticate, authorization } }).then(app => ({
    ...app,
    counts,
  }))
}
const withKey = (name: string) => ({ 'x-api-key': key(name) })
const bearer = (token: string) => ({ authorization: `Bearer ${token}` })
const type = (code: string) => `https://dataservice.dev/problems/${code}`

describe('who calls', () => {
  test.each([
    ['an API key', async () => withKey('all'), 'api-key accepted'],
    ['an API key as a bearer', async () => bearer(key('all')), 'api-key accepted'],
    ['a token', async () => bearer(await ours.token()), 'jwt accepted'],
    [
      'a token, in other letters',
      async () => ({ authorization: `bearer  ${await ours.token()}` }),
      'jwt accepted',
    ],
  ])('%s opens every route', async (_, headers, counted) => {
    const { post, app, counts } = await closed()
    expect((await post(order('a'), 'application/json', await headers())).statusCode).toBe(202)
    expect((await app.inject({ url: '/data', headers: await headers() })).statusCode).toBe(200)
    expect(counts).toEqual([counted, counted])
  })

  test.each([
    ['nothing', {}, 'Bearer realm="shop/orders"', 'none refused'],
    ['another scheme', { authorization: 'Basic YTpi' }, 'Bearer realm="shop/orders"', 'none refused'],
    ['an unknown key', { 'x-api-key': key('nobody') }, 'error="invalid_token"', 'api-key refused'],
    ['no token', bearer('a.b.c'), 'error="invalid_token"', 'jwt refused'],
  ])(
    '%s is answered 401 and how to authenticate, on every path and before the body',
    async (_, headers, says, counted) => {
      const { app, counts, log, budget } = await closed()
      for (const [method, url] of [
        ['GET', '/data'],
        ['POST', '/data'],
        ['GET', '/data/x'],
        ['GET', '/openapi.json'],
        ['GET', '/docs/start.js'],
        ['DELETE', '/data'],
      ] as const) {
        const answer = await app.inject({ method, url, headers })
        expect([answer.statusCode, answer.json().type]).toEqual([401, type('unauthenticated')])
        expect(answer.headers['www-authenticate']).toContain(says)
        expect(answer.body).not.toContain(key('nobody'))
      }
      expect([new Set(counts), log.contents.flat().length, budget.used]).toEqual([new Set([counted]), 0, 0])
    },
  )

  test('both at once are refused: nobody should guess which one counts', async () => {
    const { app } = await closed()
    const answer = await app.inject({ url: '/data', headers: { ...withKey('all'), ...bearer(key('all')) } })
    expect([answer.statusCode, answer.json().detail]).toEqual([
      401,
      'Send Authorization or X-API-Key, not both.',
    ])
  })

  test('a way that is not switched on does not exist', async () => {
    const tokensOnly = await closed({ apiKeys: false })
    expect((await tokensOnly.app.inject({ url: '/data', headers: withKey('all') })).statusCode).toBe(401)
    const keysOnly = await closed({ jwt: false })
    expect(
      (await keysOnly.app.inject({ url: '/data', headers: bearer(await ours.token()) })).statusCode,
    ).toBe(401)
  })

  test('the issuer is away: 503 for tokens of unknown keys, API keys go on', async () => {
    const { app, counts } = await closed({ isAway: true })
    const answer = await app.inject({ url: '/data', headers: bearer(await ours.token()) })
    expect([answer.statusCode, answer.json().type, answer.headers['retry-after']]).toEqual([
      503,
      type('issuer-unavailable'),
      '5',
    ])
    expect((await app.inject({ url: '/data', headers: withKey('all') })).statusCode).toBe(200)
    expect(counts).toEqual(['jwt unavailable', 'api-key accepted'])
  })

  test('an Idempotency-Key is its own for each caller', async () => {
    const { post, log } = await closed()
    for (const name of ['all', 'all', 'bare'])
      await post(order('a'), 'application/json', { ...withKey(name), 'idempotency-key': 'k' })
    const [first, again, other] = log.contents.flat().map(({ headers }) => headers[envelope.requestKey])
    expect([again === first, other === first, other === undefined]).toEqual([true, false, false])
  })

  test('what one caller was answered is for no other', async () => {
    const { app } = await closed()
    const answer = await app.inject({ url: '/data', headers: withKey('all') })
    expect(answer.headers['vary']).toBe('authorization, x-api-key')
  })

  test('nothing of the caller goes on to the reader', async () => {
    const { app, questions } = await closed()
    await app.inject({ url: '/data/1', headers: { ...withKey('all'), 'dataservice-own-key': 'c1' } })
    expect(questions).toEqual([{ method: 'GET', path: '/data/1', headers: {} }])
  })
})

describe('scopes', () => {
  const scopes = { scopes: { prefix: 'orders:' } }

  test.each([
    ['GET', 'reader', 200],
    ['POST', 'reader', 403],
    ['POST', 'writer', 202],
    ['GET', 'writer', 403],
    ['GET', 'bare', 403],
    ['DELETE', 'reader', 403],
  ] as const)('%s by the key %s answers %i', async (method, name, status) => {
    const { app } = await closed({ authorization: scopes })
    const headers = { 'content-type': 'application/json', ...withKey(name) }
    const answer = await app.inject({
      method,
      url: '/data',
      headers,
      ...(method === 'POST' && { payload: order('a') }),
    })
    expect(answer.statusCode).toBe(status)
    if (status !== 403) return
    const scope = method === 'GET' ? 'orders:read' : 'orders:write'
    expect([answer.json().type, answer.headers['www-authenticate']]).toEqual([
      type('forbidden'),
      `Bearer error="insufficient_scope", scope="${scope}"`,
    ])
  })

  test('a token carries them with the prefix', async () => {
    const { app } = await closed({ authorization: scopes })
    const get = async (scope: string) =>
      (await app.inject({ url: '/data', headers: bearer(await ours.token({ scope })) })).statusCode
    expect([await get('read'), await get('orders:read')]).toEqual([403, 200])
  })
})

describe('callers that see only their own records', () => {
  const own = { keyClaim: 'customer' }
  const mine = async () => bearer(await ours.token({ customer: 'c1' }))

  test('the reader is told the key, whatever the client says', async () => {
    const { app, questions } = await closed({ authorization: own })
    for (const url of ['/data?customerId=c2', '/data/1'])
      await app.inject({ url, headers: { ...(await mine()), 'dataservice-own-key': 'c2' } })
    expect(questions.map(({ headers }) => headers)).toEqual(Array(2).fill({ 'dataservice-own-key': 'c1' }))
  })

  test('records of another key are refused with their place, and nothing is written', async () => {
    const { post, log } = await closed({ authorization: own })
    const one = await post(order('c2'), 'application/json', await mine())
    expect([one.statusCode, one.json()]).toMatchObject([
      403,
      { type: type('foreign-record'), errors: [{ pointer: '/customerId', message: 'must be your own key' }] },
    ])
    const list = await post(`[${order('c1')},${order('c2')}]`, 'application/json', await mine())
    expect(list.json().errors).toEqual([
      { index: 1, pointer: '/customerId', message: 'must be your own key' },
    ])
    expect(log.contents.flat()).toEqual([])
    expect((await post(order('c1'), 'application/json', await mine())).statusCode).toBe(202)
  })

  test('a stream ends at the first batch with a record of another key', async () => {
    const { post, log } = await closed({ authorization: own })
    const headers = { ...(await mine()), prefer: 'stream' }
    const answer = await post(`${order('c1')}\n${order('c2')}\n`, 'application/x-ndjson', headers)
    expect([answer.statusCode, JSON.parse(answer.body).problem]).toMatchObject([
      200,
      { type: type('foreign-record'), errors: [{ index: 1, pointer: '/customerId' }] },
    ])
    expect(log.contents.flat()).toEqual([])
  })

  test('who has no key sees nothing; admin sees all, but only where scopes are asked for', async () => {
    const get = async (authorization: AuthorizationRules, headers: Record<string, string>) =>
      (await (await closed({ authorization })).app.inject({ url: '/data', headers })).statusCode
    const withScopes = { ...own, scopes: { prefix: '' } }
    expect(await get(own, bearer(await ours.token()))).toBe(403)
    expect(await get(own, withKey('bare'))).toBe(403)
    expect(await get(own, withKey('reader'))).toBe(200)
    expect(await get(own, withKey('all'))).toBe(403)
    expect(await get(withScopes, withKey('all'))).toBe(200)
    expect(await get(withScopes, bearer(await ours.token({ scope: 'read admin' })))).toBe(200)
  })

  test('a route that does not obey the key is closed to them', async () => {
    const { app } = await closed({ authorization: own })
    const answer = await app.inject({ method: 'DELETE', url: '/data', headers: await mine() })
    expect([answer.statusCode, answer.json().type]).toEqual([403, type('forbidden')])
  })
})

test('without authentication nobody is asked', async () => {
  const { post, app } = await start()
  expect((await post(order('a'))).statusCode).toBe(202)
  expect(app.hasRequestDecorator('caller')).toBe(false)
})
