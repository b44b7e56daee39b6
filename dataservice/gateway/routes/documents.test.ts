import { gunzipSync } from 'node:zlib'
import { expect, test } from 'vitest'
import { start } from '../testing/gateway-app.ts'

test('the page and everything it names come from the service, under a policy that allows nothing else', async () => {
  const { app } = await start()
  const page = await app.inject('/docs')
  expect([page.statusCode, page.headers['content-type']]).toEqual([200, 'text/html; charset=utf-8'])
  expect(page.headers['content-security-policy']).toContain("default-src 'none'; script-src 'self'")
  const named = [...page.body.matchAll(/(?:src|href)="([^"]+)"/g)].map(([, url]) => `/${url}`)
  expect(named.toSorted()).toEqual([
    '/docs/favicon-32x32.png',
    '/docs/start.js',
    '/docs/swagger-ui-bundle.js',
    '/docs/swagger-ui.css',
    '/openapi.json',
  ])
  for (const url of named) {
    const plain = await app.inject(url)
    expect([url, plain.statusCode, plain.headers['x-content-type-options']]).toEqual([url, 200, 'nosniff'])
    const short = await app.inject({ url, headers: { 'accept-encoding': 'br, gzip' } })
    expect(short.headers['content-encoding']).toBe('gzip')
    expect(gunzipSync(short.rawPayload).equals(plain.rawPayload)).toBe(true)
  }
})

test.each(['identity', 'gzip'])('what the client has already is not sent again (%s)', async encoding => {
  const { app } = await start()
  const ask = (headers: Record<string, string> = {}) =>
    app.inject({ url: '/openapi.json', headers: { 'accept-encoding': encoding, ...headers } })
  const etag = String((await ask()).headers['etag'])
  expect(etag).toMatch(/^"[\w-]+"$/)
  const again = await ask({ 'if-none-match': `"other", ${etag}` })
  expect([again.statusCode, again.body, again.headers['etag']]).toEqual([304, '', etag])
  expect((await ask({ 'if-none-match': '"other"' })).statusCode).toBe(200)
})

test.each([
  '/docs/',
  '/docs/x.js',
  '/docs/../main.ts',
  '/docs/..%2fpackage.json',
  '/docs/package.json',
  '/docs/constructor',
])('no other file is answered: %s', async url => {
  const { app } = await start()
  const answer = await app.inject(url)
  expect([answer.statusCode, answer.json().type]).toEqual([404, 'https://dataservice.dev/problems/not-found'])
})

test('HEAD answers the headers of GET', async () => {
  const { app } = await start()
  for (const url of ['/openapi.json', '/docs', '/docs/swagger-ui.css']) {
    const get = await app.inject(url)
    const head = await app.inject({ method: 'HEAD', url })
    expect([head.statusCode, head.body, head.headers['content-length']]).toEqual([
      200,
      '',
      get.headers['content-length'],
    ])
  }
})
