import { pino } from 'pino'
import { Registry } from 'prom-client'
import { expect, onTestFinished, test } from 'vitest'
import { bearer, innerKey, onlyWithKey } from './inner-key.ts'
import { resource } from './resource.ts'
import { makeServer } from './server.ts'

const cursorKey = 'ab'.repeat(32)
const key = innerKey(cursorKey)

function start() {
  const { app } = makeServer({ log: pino({ level: 'silent' }), metrics: new Registry() })
  app.addHook('onRequest', onlyWithKey(key))
  resource(app, '/data', { GET: async () => 'ours' })
  onTestFinished(() => app.close())
  return app
}

test('both sides derive the same key, and it does not show the one it comes from', () => {
  expect(innerKey(cursorKey.toUpperCase())).toBe(key)
  expect(innerKey('cd'.repeat(32))).not.toBe(key)
  expect(key).toMatch(/^[\w-]{43}$/)
  expect(() => innerKey('s3cret')).toThrow('the key must be 32 bytes in hex')
})

test('with the key a request is served', async () => {
  const answer = await start().inject({ url: '/data', headers: { authorization: bearer(key) } })
  expect([answer.statusCode, answer.body]).toEqual([200, 'ours'])
})

test.each([
  ['none', undefined],
  ['another', bearer(innerKey('cd'.repeat(32)))],
  ['a part', bearer(key.slice(0, -1))],
  ['no scheme', key],
])('with %s every path answers 401 and how to authenticate', async (_, authorization) => {
  for (const url of ['/data', '/nothing']) {
    const answer = await start().inject({
      url,
      headers: authorization === undefined ? {} : { authorization },
    })
    expect([answer.statusCode, answer.headers['www-authenticate'], answer.json().type]).toEqual([
      401,
      'Bearer',
      'https://dataservice.dev/problems/unauthenticated',
    ])
  }
})
