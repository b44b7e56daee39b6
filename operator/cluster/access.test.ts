import { KubeConfig } from '@kubernetes/client-node'
import { expect, onTestFinished, test } from 'vitest'
import { accessFromKubeConfig } from './access.ts'

const cluster = { name: 'one', server: 'https://127.0.0.1:6443', skipTLSVerify: true }

function accessWith(user: object, more: object = {}) {
  const config = new KubeConfig()
  config.loadFromClusterAndUser({ ...cluster, ...more }, { name: 'me', ...user })
  const access = accessFromKubeConfig(config, 0)
  onTestFinished(() => access.close())
  return { config, access }
}

test('the token is asked for at each request, while the agent stays the same', async () => {
  const { config, access } = accessWith({})
  let token = 'first'
  config.addAuthenticator({
    isAuthProvider: () => true,
    async applyAuthentication(_, options) {
      options.headers = { ...options.headers, Authorization: `Bearer ${token}` }
    },
  })
  const before = await access.prepare()
  token = 'second'
  const after = await access.prepare()
  expect([before.headers.authorization, after.headers.authorization]).toEqual([
    'Bearer first',
    'Bearer second',
  ])
  expect(after.dispatcher).toBe(before.dispatcher)
})

test('what was read a moment ago is used again, and no caller sees the headers of another', async () => {
  const config = new KubeConfig()
  config.loadFromClusterAndUser(cluster, { name: 'me', token: 'first' })
  const access = accessFromKubeConfig(config, 60_000)
  onTestFinished(() => access.close())
  const before = await access.prepare()
  before.headers['accept'] = 'anything'
  Object.assign(config.users[0] ?? {}, { token: 'second' })
  expect((await access.prepare()).headers).toEqual({ authorization: 'Bearer first' })
})

test('a user with a password is known by it', async () => {
  const { access } = accessWith({ username: 'me', password: 'pass' })
  const { headers } = await access.prepare()
  expect(headers.authorization).toBe(`Basic ${Buffer.from('me:pass').toString('base64')}`)
})

test('another certificate makes another agent', async () => {
  const { config, access } = accessWith({})
  const before = await access.prepare()
  const [user] = config.users
  Object.assign(user ?? {}, { certData: Buffer.from('renewed').toString('base64') })
  const after = await access.prepare()
  expect(after.dispatcher).not.toBe(before.dispatcher)
})

test('a SOCKS proxy and a missing cluster are refused with the reason', async () => {
  const { access } = accessWith({}, { proxyUrl: 'socks5://127.0.0.1:1' })
  await expect(access.prepare()).rejects.toThrow('SOCKS')
  expect(() => accessFromKubeConfig(new KubeConfig())).toThrow('no current cluster')
})
