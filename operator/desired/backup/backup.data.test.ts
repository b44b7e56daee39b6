/**
 * The scripts of backups as they stand in the ConfigMap, run as plain processes on a real Postgres that talks TLS alone; only
 * places are moved.
 */
import { mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { ConnectionOptions } from 'node:tls'
import { Client } from 'pg'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { certificateFiles, credentialKeys, database, loginOf, ports } from '#dataservice/contract/names.ts'
import { type EngineFolder, engineFolder } from '#e2e/engines/folder.ts'
import { freePort } from '#e2e/engines/ports.ts'
import { chrootArguments, type EngineProcess, engineProcess } from '#e2e/engines/process.ts'
import { engines } from '#e2e/images/recipes.ts'
import { engineRoot } from '#e2e/images/root-folder.ts'
import { issue, type KeyPair, makeAuthority } from '#operator/certificates/issue.ts'
import { dataService, withSpec } from '#operator/testing/data-service.ts'
import { targetOf } from '#operator/testing/target.ts'
import { CommandFailed, run } from '#tools/shell.ts'
import { engineConfigMap } from '../engine-config-map.ts'
import { certificatePath, configPath, loginsFile, passwordsPath, secretPath } from '../engines/engine.ts'
import { dataPath } from '../engines/postgres-scripts.ts'
import { turnedKeys, turnKey } from '../secrets.ts'
import { backupFiles } from './config-map.ts'
import { backupPath, refusedExitCode } from './scripts.ts'

const recipe = engines.postgres
const target = targetOf(
  dataService(withSpec({ backup: { schedule: '0 3 * * *' }, security: { tls: 'Internal' } })),
)
const primaryHost = 'orders-postgres-rw.shop.svc'
const soon = { timeout: 120_000, interval: 1000 }

let folder: EngineFolder
let root = ''
let data = ''
let port = 0
let authority: KeyPair
let own: KeyPair
let primary: EngineProcess
let archive: EngineProcess

/** Both volumes are folders of one, where a process of these tests sees them. */
const moved = (text: string, config: string): string =>
  text
    .replaceAll(configPath, join(dataPath, config))
    .replaceAll(secretPath, join(dataPath, 'secrets'))
    .replaceAll(passwordsPath, join(dataPath, 'passwords'))
    .replaceAll(certificatePath, join(dataPath, 'certificates'))
    .replaceAll(backupPath, join(dataPath, 'backup'))
    .replaceAll('/var/run/postgresql', join(dataPath, 'run'))
    .replaceAll('/dev/termination-log', join(dataPath, 'said'))
    .replaceAll(`${primaryHost} port=${ports.postgres}`, `127.0.0.1 port=${port}`)
    .replaceAll(`port = ${ports.postgres}`, `port = ${port}`)

const command = (script: string, environment: Record<string, string> = {}) => ({
  root,
  userId: recipe.user.id,
  data: { folder: data, seenAs: dataPath },
  environment: { ...recipe.environment, POD_NAME: 'orders-postgres-0', PGPORT: String(port), ...environment },
  program: ['sh', join(dataPath, script)] as [string, ...string[]],
})

beforeAll(async () => {
  folder = await engineFolder()
  root = (await engineRoot('postgres')).path
  data = await folder.own('volumes', recipe.user.id)
  port = await freePort()
  for (const name of ['config', 'backup-config', 'secrets', 'certificates', 'run', 'backup'])
    await mkdir(join(data, name))
  await certify()
  for (const [name, text] of Object.entries(engineConfigMap(target, 'postgres').data ?? {}))
    await writeFile(join(data, 'config', name), moved(text, 'config'))
  for (const [name, text] of Object.entries(backupFiles(target)))
    await writeFile(join(data, 'backup-config', name), moved(text, 'backup-config'))
  for (const key of Object.values(credentialKeys)) await writeFile(join(data, 'secrets', key), `of-${key}`)
  await run('chown', ['-R', `${recipe.user.id}:${recipe.user.id}`, data])
  const logFile = join(folder.path, 'primary.log')
  primary = engineProcess({
    name: 'postgres-0',
    command: command('config/start.sh', { PGHOST: join(dataPath, 'run') }),
    logFile,
    readyText: 'listening on IPv4 address',
    stopSignal: 'SIGINT',
  })
  archive = engineProcess({
    name: 'backup-0',
    command: command('backup-config/receive.sh'),
    logFile: join(folder.path, 'archive.log'),
    readyText: 'archiving to',
    stopSignal: 'SIGTERM',
  })
}, 120_000)

afterAll(async () => {
  await archive.stop()
  await primary.stop()
  await folder.remove()
})

/** One certificate for both sides. */
async function certify(): Promise<void> {
  const subject = { namespace: 'shop', service: 'orders', name: 'postgres' }
  const validity = { from: new Date(Date.now() - 60_000), until: new Date(Date.now() + 86_400_000) }
  authority = await makeAuthority({ ...subject, name: 'authority 1' }, validity)
  own = await issue(authority, subject, { ...validity, hosts: ['localhost'], addresses: ['127.0.0.1'] })
  const texts = {
    [certificateFiles.authority]: authority.certificate,
    [certificateFiles.certificate]: own.certificate,
    [certificateFiles.key]: own.key,
  }
  for (const [name, text] of Object.entries(texts))
    await writeFile(join(data, 'certificates', name), text, { mode: 0o400 })
}

const job = async (script: string, environment: Record<string, string> = {}): Promise<number> => {
  const { program, args } = chrootArguments(command(`backup-config/${script}`, environment))
  return run(program, args).then(
    () => 0,
    (error: unknown) => {
      if (error instanceof CommandFailed && error.exitCode !== null) {
        console.error(error.message)
        return error.exitCode
      }
      throw error
    },
  )
}

const said = (): Promise<string> => readFile(join(data, 'said'), 'utf8')

const certified = () => ({ ca: authority.certificate, cert: own.certificate, key: own.key })

const firstOwner: { user: string; password: string } = {
  user: database.users.owner,
  password: `of-${credentialKeys.owner}`,
}

async function sql(
  text: string,
  ssl: ConnectionOptions = certified(),
  login = firstOwner,
): Promise<unknown[][]> {
  const client = new Client({ host: '127.0.0.1', port, database: database.name, ...login, ssl })
  client.on('error', () => {}) // the server is stopped on purpose
  await client.connect()
  return client
    .query({ text, rowMode: 'array' })
    .then(({ rows }) => rows ?? [])
    .finally(() => client.end())
}

const values = async (): Promise<unknown> =>
  (await sql('SELECT array_agg(value ORDER BY value) FROM kept'))[0]?.[0]
const now = async (): Promise<string> => String((await sql('SELECT to_json(clock_timestamp())'))[0]?.[0])

/** Both end, as they do before a restore. */
async function stop(): Promise<void> {
  await primary.stop()
  await archive.stop()
}

async function start(): Promise<void> {
  await primary.start()
  await archive.start()
  await expect.poll(() => job('ready.sh'), soon).toBe(0)
}

let operations = 0
const restore = (wish: { time?: string; backup?: string; operation?: string }): Promise<number> =>
  job('restore.sh', {
    OPERATION: wish.operation ?? `operation-${++operations}`,
    RESTORE_TIME: wish.time ?? '',
    RESTORE_BACKUP: wish.backup ?? '',
  })

const moments: string[] = []
let first = ''

test('archiving begins with a whole copy that is proved by restoring it', async () => {
  await primary.start()
  await expect
    .poll(() => sql('CREATE SCHEMA dataservice CREATE TABLE kept (value int)').then(() => true, String), soon)
    .toBe(true)
  await expect(sql('SELECT 1', { ca: authority.certificate })).rejects.toThrow('valid client certificate')
  await sql('INSERT INTO kept VALUES (1)')
  await archive.start()
  await expect.poll(() => job('ready.sh'), soon).toBe(0)
  const made: { name: string; bytes: number } = JSON.parse(await said())
  expect(await readdir(join(data, 'backup', 'base'))).toEqual([made.name])
  expect(made.bytes).toBeGreaterThan(1_000_000)
  first = made.name
})

test('what was written up to the loss of the volume comes back', async () => {
  for (const value of [2, 3, 4]) {
    await sql(`INSERT INTO kept VALUES (${value})`)
    moments.push(await now())
  }
  await stop()
  await rm(join(data, 'pgdata'), { recursive: true })
  expect(await restore({}), await said()).toBe(0)
  expect(JSON.parse(await said())).toMatchObject({ backup: first })
  await start()
  expect(await values()).toEqual([1, 2, 3, 4])
})

test('a moment comes back, and what was there before stays aside', async () => {
  await sql('INSERT INTO kept VALUES (5)')
  await stop()
  expect(await restore({ time: new Date(moments[0] ?? '').toISOString() }), await said()).toBe(0)
  expect(await readdir(data)).toContain('before-restore')
  await start()
  expect(await values()).toEqual([1, 2])
})

test('a later moment of what was written before that restore comes back, too; once', async () => {
  await sql('INSERT INTO kept VALUES (6)')
  await stop()
  expect(await restore({ time: moments[1] ?? '', operation: 'again' }), await said()).toBe(0)
  const told = await said()
  await start()
  expect(await values()).toEqual([1, 2, 3])
  await sql('INSERT INTO kept VALUES (7)')
  await stop()
  expect(await restore({ operation: 'again' })).toBe(0)
  expect(await said()).toBe(told)
  await start()
  expect(await values()).toEqual([1, 2, 3, 7])
})

test('a copy by its name comes back; what is no copy and what is too early is refused and changes nothing', async () => {
  await stop()
  expect(await restore({ backup: '20200101T000000Z' })).toBe(refusedExitCode)
  expect(await said()).toContain(`there are: `)
  expect(await restore({ time: '2020-01-01T00:00:00Z' })).toBe(refusedExitCode)
  expect(await said()).toContain(`is before the oldest backup, ${first}`)
  await start()
  expect(await values()).toEqual([1, 2, 3, 7])
  await stop()
  expect(await restore({ backup: first }), await said()).toBe(0)
  await start()
  expect(await values()).toEqual([1])
})

test('an older copy knows the passwords of its time, and the database that comes of it takes only those of now', async () => {
  await stop()
  const passwords = join(data, 'passwords/2')
  await mkdir(passwords, { recursive: true })
  for (const key of Object.values(turnedKeys)) await writeFile(join(passwords, key), `second-${key}`)
  await writeFile(join(passwords, turnKey), '2')
  await writeFile(join(data, 'config', loginsFile(1)), 'closed\n')
  await writeFile(join(data, 'config', loginsFile(2)), '2\n')
  await run('chown', ['-R', `${recipe.user.id}:${recipe.user.id}`, data])
  expect(await restore({ backup: first }), await said()).toBe(0)
  await primary.start()
  const second = { user: loginOf(database.users.owner, 2), password: `second-${turnedKeys.owner}` }
  const count = () => sql('SELECT count(*) FROM kept', certified(), second).catch(String)
  await expect.poll(count, soon).toEqual([['1']])
  await expect(sql('SELECT 1')).rejects.toThrow('password authentication failed')
})
