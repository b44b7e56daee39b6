/** The scripts of the Postgres pods as they stand in the ConfigMap, run as plain processes; only places are moved. */
import { mkdir, readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { Client } from 'pg'
import { expect, onTestFinished, test } from 'vitest'
import { credentialKeys, database, ports } from '#dataservice/contract/names.ts'
import { type EngineFolder, engineFolder } from '#e2e/engines/folder.ts'
import { freePort } from '#e2e/engines/ports.ts'
import {
  type ChrootCommand,
  chrootArguments,
  type EngineProcess,
  engineProcess,
} from '#e2e/engines/process.ts'
import { engines } from '#e2e/images/recipes.ts'
import { engineRoot } from '#e2e/images/root-folder.ts'
import { dataService, withSpec } from '#operator/testing/data-service.ts'
import { targetOf } from '#operator/testing/target.ts'
import { CommandFailed, run } from '#tools/shell.ts'
import { engineConfigMap } from '../engine-config-map.ts'
import { configPath, primaryFile, secretPath } from './engine.ts'
import { dataPath } from './postgres-scripts.ts'

interface Pod extends EngineProcess {
  port: number
  /** Rows of one statement as the owner; rejects while it does not serve. */
  sql(text: string): Promise<unknown[][]>
  /** Runs a statement as superuser over the local socket; answers the exit code. */
  administer(text: string): Promise<number>
  /** The exit code of the liveness probe. */
  probe(): Promise<number>
  /** That of the readiness probe. */
  readiness(): Promise<number>
  /** What its files say from now on. */
  tell(primary: { ordinal: number; port: number }): Promise<void>
  emptyVolume(): Promise<void>
  log(): Promise<string>
}

const recipe = engines.postgres
const target = targetOf(dataService(withSpec({ postgres: { managed: { instances: 2 } } })))
const primaryHost = 'orders-postgres-rw.shop.svc'

/** Pods 0, 1, … of one DataService; they find pod 0 as pods find the primary. */
async function podsOf(count: number): Promise<Pod[]> {
  const folder = await engineFolder()
  const numbers = await Promise.all(Array.from({ length: count }, () => freePort()))
  const pods = await Promise.all(
    numbers.map((port, ordinal) => pod(folder, ordinal, port, numbers[0] ?? port)),
  )
  onTestFinished(async () => {
    await Promise.all(pods.map(each => (each.pid ? each.kill('SIGKILL') : undefined)))
    await folder.remove()
  })
  return pods
}

async function pod(folder: EngineFolder, ordinal: number, port: number, primaryPort: number): Promise<Pod> {
  const root = await engineRoot('postgres')
  const data = await folder.own(`pod-${ordinal}`, recipe.user.id)
  const [config, secrets, sockets] = ['config', 'secrets', 'run'].map(name => join(dataPath, name))
  const moved = (text: string): string =>
    text
      .replaceAll(configPath, config ?? '')
      .replaceAll(secretPath, secrets ?? '')
      .replaceAll('/var/run/postgresql', sockets ?? '')
      .replaceAll(`${primaryHost} port=${ports.postgres}`, `127.0.0.1 port=${primaryPort}`)
      .replaceAll(`port = ${ports.postgres}`, `port = ${port}`)
  for (const name of ['config', 'secrets', 'run']) await mkdir(join(data, name))
  for (const [name, text] of Object.entries(engineConfigMap(target, 'postgres').data ?? {}))
    await writeFile(join(data, 'config', name), moved(text))
  for (const key of Object.values(credentialKeys)) await writeFile(join(data, 'secrets', key), `of-${key}`)
  await run('chown', ['-R', `${recipe.user.id}:${recipe.user.id}`, data])
  const environment = {
    ...recipe.environment,
    POD_NAME: `orders-postgres-${ordinal}`,
    PGPORT: String(port),
    PGHOST: sockets ?? '',
  }
  const command = (program: [string, ...string[]]) => ({
    root: root.path,
    userId: recipe.user.id,
    data: { folder: data, seenAs: dataPath },
    environment,
    program,
  })
  const logFile = join(folder.path, `pod-${ordinal}.log`)
  /** The name of the Service stays in a cluster; here it is a port, which the scripts find in a file. */
  const tell = async (primary: { ordinal: number; port: number }) => {
    for (const script of ['start.sh', 'alive.sh']) {
      const at = join(data, 'config', script)
      const text = await readFile(at, 'utf8')
      await writeFile(at, text.replaceAll(/127\.0\.0\.1 port=\d+/g, `127.0.0.1 port=${primary.port}`))
    }
    await writeFile(join(data, 'config', primaryFile), `${primary.ordinal}\n`)
  }
  const engine = engineProcess({
    name: `postgres-${ordinal}`,
    command: command(['sh', `${config}/start.sh`]),
    logFile,
    readyText: ordinal === 0 ? 'listening on IPv4 address' : 'ready to accept read-only connections',
    stopSignal: 'SIGINT',
  })
  return Object.assign(engine, {
    port,
    sql: (text: string) => query(port, text),
    administer: (text: string) =>
      exitCode(
        command(['psql', `--host=${sockets}`, '--username=postgres', '--dbname=postgres', '--command', text]),
      ),
    probe: () => exitCode(command(['sh', `${config}/alive.sh`])),
    readiness: () => exitCode(command(['sh', `${config}/ready.sh`])),
    tell,
    emptyVolume: () => rm(join(data, 'pgdata'), { recursive: true }),
    log: () => readFile(logFile, 'utf8'),
  })
}

function exitCode(command: ChrootCommand): Promise<number> {
  const { program, args } = chrootArguments(command)
  return run(program, args).then(
    () => 0,
    (error: unknown) => {
      if (error instanceof CommandFailed && error.exitCode !== null) return error.exitCode
      throw error
    },
  )
}

async function query(port: number, text: string): Promise<unknown[][]> {
  const password = `of-${credentialKeys.owner}`
  const client = new Client({
    host: '127.0.0.1',
    port,
    database: database.name,
    user: database.users.owner,
    password,
  })
  client.on('error', () => {}) // the server is killed on purpose
  await client.connect()
  return client
    .query({ text, rowMode: 'array' })
    .then(({ rows }) => rows)
    .finally(() => client.end())
}

const soon = { timeout: 60_000, interval: 100 }

test('a replica copies the primary, follows it, answers while it is away, and copies it anew when it must', async () => {
  const [primary, replica] = await podsOf(2)
  if (primary === undefined || replica === undefined) throw new Error('two pods expected')
  await Promise.all([primary.start(), replica.start()])
  await expect
    .poll(
      () => primary.sql('CREATE SCHEMA dataservice CREATE TABLE kept (value int)').then(() => true, String),
      soon,
    )
    .toBe(true)
  await primary.sql('INSERT INTO kept VALUES (1)')
  const onReplica = () =>
    replica.sql('SELECT array_agg(value ORDER BY value), pg_is_in_recovery() FROM kept').catch(String)
  await expect.poll(onReplica, soon).toEqual([[[1], true]])
  await expect(replica.sql('INSERT INTO kept VALUES (9)')).rejects.toThrow('read-only')
  expect([await primary.probe(), await replica.probe()]).toEqual([0, 0])

  await primary.kill('SIGKILL')
  expect(await onReplica()).toEqual([[[1], true]])
  expect(await replica.probe()).toBe(0)
  await replica.kill('SIGKILL')
  await replica.start() // with its primary away it serves what it has
  await expect.poll(onReplica, soon).toEqual([[[1], true]])
  await primary.start()
  await expect
    .poll(() => primary.sql('INSERT INTO kept VALUES (2)').then(() => true, String), soon)
    .toBe(true)
  await expect.poll(onReplica, soon).toEqual([[[1, 2], true]])

  await replica.kill('SIGKILL')
  await expect.poll(() => primary.administer("SELECT pg_drop_replication_slot('replica_1')"), soon).toBe(0)
  await primary.sql('INSERT INTO kept VALUES (3)')
  await replica.start()
  await expect.poll(onReplica, soon).toEqual([[[1, 2, 3], true]])
  expect(await replica.log()).toContain('copying it anew')
})

test('the primary drops the slot of a replica that is not wanted any more, and keeps the others', async () => {
  const [primary] = await podsOf(1)
  if (primary === undefined) throw new Error('one pod expected')
  await primary.start()
  const make = (ordinal: number) => `SELECT pg_create_physical_replication_slot('replica_${ordinal}', true)`
  await expect.poll(() => primary.administer(make(1)), soon).toBe(0)
  expect(await primary.administer(make(2))).toBe(0)
  await primary.kill('SIGINT')
  await primary.start()
  const slots = () => primary.sql('SELECT slot_name FROM pg_replication_slots').catch(String)
  await expect.poll(slots, soon).toEqual([['replica_1']])
})

test('a replica whose primary was made anew keeps its copy and says what to do', async () => {
  const [primary, replica] = await podsOf(2)
  if (primary === undefined || replica === undefined) throw new Error('two pods expected')
  await Promise.all([primary.start(), replica.start()])
  await replica.kill('SIGKILL')
  await primary.kill('SIGKILL')
  await primary.emptyVolume()
  await primary.start()
  await expect.poll(() => primary.sql('SELECT 1').catch(String), soon).toEqual([[1]])
  await expect(replica.start()).rejects.toThrow('copy of another database')
})

test('a replica that is told so becomes the primary once the old one has ended, which follows it then', async () => {
  const [old, chosen, other] = await podsOf(3)
  if (old === undefined || chosen === undefined || other === undefined) throw new Error('three pods expected')
  await Promise.all([old.start(), chosen.start(), other.start()])
  await expect
    .poll(
      () => old.sql('CREATE SCHEMA dataservice CREATE TABLE kept (value int)').then(() => true, String),
      soon,
    )
    .toBe(true)
  await old.sql('INSERT INTO kept VALUES (1)')
  const rows = (on: Pod) => on.sql('SELECT array_agg(value ORDER BY value) FROM kept').catch(String)
  for (const replica of [chosen, other]) await expect.poll(() => rows(replica), soon).toEqual([[[1]]])
  expect(await chosen.readiness()).toBe(0)

  const primary = { ordinal: 1, port: chosen.port }
  await chosen.tell(primary)
  expect(await chosen.readiness()).not.toBe(0)
  await old.sql('INSERT INTO kept VALUES (2)') // it is still the primary, and nothing of it is lost
  await old.tell(primary)
  await expect.poll(() => chosen.sql('INSERT INTO kept VALUES (3)').then(() => true, String), soon).toBe(true)
  expect(await rows(chosen)).toEqual([[[1, 2, 3]]])
  expect(await chosen.readiness()).toBe(0)
  expect(await chosen.probe()).toBe(0)
  expect(await old.log()).toContain('another pod is the primary now')

  await other.tell(primary)
  await expect.poll(() => other.probe(), soon).not.toBe(0) // so the kubelet starts it anew
  await other.kill('SIGKILL')
  await expect.poll(() => old.pid, soon).toBeUndefined()
  for (const follower of [old, other]) await follower.start()
  for (const follower of [old, other]) await expect.poll(() => rows(follower), soon).toEqual([[[1, 2, 3]]])
})
