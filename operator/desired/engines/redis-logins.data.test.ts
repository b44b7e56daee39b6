/** Other passwords for a Redis that runs, with the script of its pods. */
import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { Redis as Client } from 'ioredis'
import { expect, onTestFinished, test } from 'vitest'
import { credentialKeys, type LoginSet, ports } from '#dataservice/contract/names.ts'
import { engineFolder } from '#e2e/engines/folder.ts'
import { freePort } from '#e2e/engines/ports.ts'
import { engineProcess } from '#e2e/engines/process.ts'
import { engines } from '#e2e/images/recipes.ts'
import { engineRoot } from '#e2e/images/root-folder.ts'
import { dataService } from '#operator/testing/data-service.ts'
import { targetOf } from '#operator/testing/target.ts'
import { run } from '#tools/shell.ts'
import { engineConfigMap } from '../engine-config-map.ts'
import { configPath, loginsFile, passwordsPath, secretPath } from './engine.ts'
import { mounting } from './testing/mounted-passwords.ts'

const recipe = engines.redis
const soon = { timeout: 30_000, interval: 100 }

/** One pod, and what it is told. */
async function pod() {
  const folder = await engineFolder()
  const root = await engineRoot('redis')
  const data = await folder.own('pod', recipe.user.id)
  const port = await freePort()
  const places = { config: configPath, secrets: secretPath, passwords: passwordsPath, run: '/run/redis' }
  const moved = (text: string): string =>
    Object.entries(places)
      .reduce((all, [name, from]) => all.replaceAll(from, join(recipe.dataFolder, name)), text)
      .replaceAll(`port ${ports.redis}`, `port ${port}`)
  for (const name of [...Object.keys(places), 'passwords/1', 'passwords/2']) await mkdir(join(data, name))
  for (const [name, text] of Object.entries(engineConfigMap(targetOf(dataService()), 'redis').data ?? {}))
    await writeFile(join(data, 'config', name), moved(text))
  await writeFile(join(data, 'secrets', credentialKeys.redis), 'first')
  await run('chown', ['-R', `${recipe.user.id}:${recipe.user.id}`, data])
  const engine = engineProcess({
    name: 'redis',
    command: {
      root: root.path,
      userId: recipe.user.id,
      data: { folder: data, seenAs: recipe.dataFolder },
      environment: recipe.environment,
      program: ['sh', join(recipe.dataFolder, 'config/start.sh')],
    },
    logFile: join(folder.path, 'log'),
    readyText: 'Ready to accept connections',
    stopSignal: 'SIGTERM',
  })
  onTestFinished(async () => {
    if (engine.pid) await engine.kill('SIGKILL')
    await folder.remove()
  })
  await engine.start()
  return {
    engine,
    port,
    mountPasswords: mounting(join(data, 'passwords')),
    tell: (set: LoginSet, turn: number | 'closed') =>
      writeFile(join(data, 'config', loginsFile(set)), `${turn}\n`),
  }
}

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
  const { port, tell, mountPasswords } = await pod()
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
  const { engine, port, tell, mountPasswords } = await pod()
  await engine.kill('SIGKILL')
  await mountPasswords(2, second)
  await tell(2, 2)
  await tell(1, 'closed')
  await engine.start()
  expect([await letsIn(port, 'first'), await letsIn(port, 'second-redis')]).toEqual([false, true])
  expect(await letsIn(port, '')).toBe(false)
})
