/** Other passwords for a Redis that runs, with the script of its pods. */
import { Redis as Client } from 'ioredis'
import { expect, onTestFinished, test } from 'vitest'
import { redisPod } from './testing/redis-pod.ts'

const soon = { timeout: 30_000, interval: 100 }

/** A program that is connected, and does not connect again. */
async function connected(port: number, password: string): Promise<Client> {
  const client = new Client({
    host: '127.0.0.1',
    port,
    password,
    lazyConnect: true,
    retryStrategy: () => null,
  })
  client.on('error', () => {})
  onTestFinished(() => client.disconnect())
  await client.connect()
  return client
}

const letsIn = (port: number, password: string): Promise<boolean> =>
  connected(port, password)
    .then(client => client.ping())
    .then(
      answer => answer === 'PONG',
      () => false,
    )

const second = { turn: 2, prefix: 'second' }

test('both passwords open it while one follows the other; then the old one does not, and who came by it is gone', async () => {
  const { port, tell, mountPasswords } = await redisPod()
  expect([await letsIn(port, 'first'), await letsIn(port, 'second-redis')]).toEqual([true, false])
  const old = await connected(port, 'first')
  await old.set('kept', 'value')
  await tell(2, 2)
  await mountPasswords(2, second)
  await expect.poll(() => letsIn(port, 'second-redis'), soon).toBe(true)
  expect([await letsIn(port, 'first'), await old.get('kept')]).toEqual([true, 'value'])

  await tell(1, 'closed')
  await expect.poll(() => letsIn(port, 'first'), soon).toBe(false)
  await expect.poll(() => old.status, soon).toBe('end')
  const fresh = await connected(port, 'second-redis')
  expect(await fresh.get('kept')).toBe('value')
  expect(await fresh.call('ACL', 'GETUSER', 'default')).toContainEqual([
    expect.stringMatching(/^[0-9a-f]{64}$/),
  ])
})

test('a start takes the passwords of now', async () => {
  const { engine, port, tell, mountPasswords } = await redisPod()
  await engine.kill('SIGKILL')
  await mountPasswords(2, second)
  await tell(2, 2)
  await tell(1, 'closed')
  await engine.start()
  expect([await letsIn(port, 'first'), await letsIn(port, 'second-redis')]).toEqual([false, true])
  expect(await letsIn(port, '')).toBe(false)
})
