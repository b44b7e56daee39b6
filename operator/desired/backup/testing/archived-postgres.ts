/**
 * A real Postgres with the scripts of backups as they stand in the ConfigMap, all of it plain processes; only places are
 * moved. Both volumes are folders of one, where a process of these tests sees them.
 */
import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { ConnectionOptions } from 'node:tls'
import { Client } from 'pg'
import { expect, vi } from 'vitest'
import { fetchVariables } from '#dataservice/contract/mirror.ts'
import { certificateFiles, credentialKeys, database, ports } from '#dataservice/contract/names.ts'
import { engineFolder } from '#e2e/engines/folder.ts'
import { freePort } from '#e2e/engines/ports.ts'
import { chrootArguments, type EngineProcess, engineProcess } from '#e2e/engines/process.ts'
import { engines } from '#e2e/images/recipes.ts'
import { engineRoot } from '#e2e/images/root-folder.ts'
import { issue, type KeyPair, makeAuthority } from '#operator/certificates/issue.ts'
import { engineConfigMap } from '#operator/desired/engine-config-map.ts'
import { certificatePath, configPath, passwordsPath, secretPath } from '#operator/desired/engines/engine.ts'
import { dataPath } from '#operator/desired/engines/postgres-scripts.ts'
import { dataService, withSpec } from '#operator/testing/data-service.ts'
import { targetOf } from '#operator/testing/target.ts'
import { CommandFailed, run } from '#tools/shell.ts'
import { backupFiles } from '../config-map.ts'
import { restoreVariables } from '../restore-scripts.ts'
import { backupPath } from '../scripts.ts'

export interface RestoreWish {
  time?: string
  backup?: string
  operation?: string
}

export interface Login {
  user: string
  password: string
}

export interface ArchivedPostgres {
  /** Holds `pgdata`, the volume `backup`, and `certificates`. */
  data: string
  primary: EngineProcess
  archive: EngineProcess
  /** Of the server; it takes those who show one of the same authority. */
  certificates: { authority: KeyPair; own: KeyPair }
  /** Default: as the owner, with a certificate. */
  sql(text: string, ssl?: ConnectionOptions, login?: Login): Promise<unknown[][]>
  /** What the table `kept` holds. */
  values(): Promise<unknown>
  now(): Promise<string>
  /** Runs a script to its end; answers its exit code. */
  job(script: string, environment?: Record<string, string>): Promise<number>
  /** The termination message of the last script. */
  said(): Promise<string>
  restore(wish: RestoreWish): Promise<number>
  /** Both end, as they do before a restore. */
  stop(): Promise<void>
  /** Both run, and what is written is archived. */
  start(): Promise<void>
  /** Where what is written is archived, a table `kept (value int)` with the row 1. */
  begin(): Promise<void>
  remove(): Promise<void>
}

export const soon = { timeout: 120_000, interval: 1000 }
const recipe = engines.postgres
const primaryHost = 'orders-postgres-rw.shop.svc'
const target = targetOf(
  dataService(withSpec({ backup: { schedule: '0 3 * * *' }, security: { tls: 'Internal' } })),
)

export async function archivedPostgres(): Promise<ArchivedPostgres> {
  const folder = await engineFolder()
  const root = (await engineRoot('postgres')).path
  const data = await folder.own('volumes', recipe.user.id)
  const port = await freePort()
  const certificates = await certify()
  await lay(data, port, certificates)
  const command = (script: string, environment: Record<string, string> = {}) => ({
    root,
    userId: recipe.user.id,
    data: { folder: data, seenAs: dataPath },
    environment: {
      ...recipe.environment,
      POD_NAME: 'orders-postgres-0',
      PGPORT: String(port),
      ...environment,
    },
    program: ['sh', join(dataPath, script)] as [string, ...string[]],
  })
  const primary = engineProcess({
    name: 'postgres-0',
    command: command('config/start.sh', { PGHOST: join(dataPath, 'run') }),
    logFile: join(folder.path, 'primary.log'),
    readyText: 'listening on IPv4 address',
    stopSignal: 'SIGINT',
  })
  const archive = engineProcess({
    name: 'backup-0',
    command: command('backup-config/receive.sh'),
    logFile: join(folder.path, 'archive.log'),
    readyText: 'archiving to',
    stopSignal: 'SIGTERM',
  })
  const job = (script: string, environment: Record<string, string> = {}): Promise<number> => {
    const { program, args } = chrootArguments(command(`backup-config/${script}`, environment))
    return exitCodeOf(run(program, args))
  }
  const sql = query(port, certificates)
  let operations = 0
  const postgres: ArchivedPostgres = {
    data,
    primary,
    archive,
    certificates,
    sql,
    values: async () => (await sql('SELECT array_agg(value ORDER BY value) FROM kept'))[0]?.[0],
    now: async () => String((await sql('SELECT to_json(clock_timestamp())'))[0]?.[0]),
    job,
    said: () => readFile(join(data, 'said'), 'utf8'),
    restore: ({ time = '', backup = '', operation = `operation-${++operations}` }) =>
      job('restore.sh', {
        [restoreVariables.operation]: operation,
        [fetchVariables.time]: time,
        [fetchVariables.backup]: backup,
      }),
    stop: async () => {
      await primary.stop()
      await archive.stop()
    },
    start: async () => {
      await primary.start()
      await archive.start()
      await vi.waitFor(async () => expect(await job('ready.sh')).toBe(0), soon)
    },
    begin: () => begin(postgres),
    remove: async () => {
      await archive.stop()
      await primary.stop()
      await folder.remove()
    },
  }
  return postgres
}

async function begin({ primary, archive, sql, job }: ArchivedPostgres): Promise<void> {
  await primary.start()
  await vi.waitFor(() => sql('CREATE SCHEMA dataservice CREATE TABLE kept (value int)'), soon)
  await sql('INSERT INTO kept VALUES (1)')
  await archive.start()
  await vi.waitFor(async () => expect(await job('ready.sh')).toBe(0), soon)
}

/** One certificate for both sides. */
async function certify(): Promise<ArchivedPostgres['certificates']> {
  const subject = { namespace: 'shop', service: 'orders', name: 'postgres' }
  const validity = { from: new Date(Date.now() - 60_000), until: new Date(Date.now() + 86_400_000) }
  const authority = await makeAuthority({ ...subject, name: 'authority 1' }, validity)
  const own = await issue(authority, subject, {
    ...validity,
    hosts: ['localhost'],
    addresses: ['127.0.0.1'],
  })
  return { authority, own }
}

/** What the pods would mount. */
async function lay(
  data: string,
  port: number,
  { authority, own }: ArchivedPostgres['certificates'],
): Promise<void> {
  for (const name of ['config', 'backup-config', 'secrets', 'certificates', 'run', 'backup'])
    await mkdir(join(data, name))
  const texts = {
    [certificateFiles.authority]: authority.certificate,
    [certificateFiles.certificate]: own.certificate,
    [certificateFiles.key]: own.key,
  }
  for (const [name, text] of Object.entries(texts))
    await writeFile(join(data, 'certificates', name), text, { mode: 0o400 })
  for (const [name, text] of Object.entries(engineConfigMap(target, 'postgres').data ?? {}))
    await writeFile(join(data, 'config', name), moved(text, 'config', port))
  for (const [name, text] of Object.entries(backupFiles(target)))
    await writeFile(join(data, 'backup-config', name), moved(text, 'backup-config', port))
  for (const key of Object.values(credentialKeys)) await writeFile(join(data, 'secrets', key), `of-${key}`)
  await giveTo(data)
}

/** To the user of Postgres. */
export const giveTo = async (folder: string): Promise<void> =>
  void (await run('chown', ['-R', `${recipe.user.id}:${recipe.user.id}`, folder]))

const moved = (text: string, config: string, port: number): string =>
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

const exitCodeOf = (command: Promise<unknown>): Promise<number> =>
  command.then(
    () => 0,
    (error: unknown) => {
      if (error instanceof CommandFailed && error.exitCode !== null) {
        console.error(error.message)
        return error.exitCode
      }
      throw error
    },
  )

const owner: Login = { user: database.users.owner, password: `of-${credentialKeys.owner}` }

const query =
  (port: number, { authority, own }: ArchivedPostgres['certificates']): ArchivedPostgres['sql'] =>
  async (text, ssl = { ca: authority.certificate, cert: own.certificate, key: own.key }, login = owner) => {
    const client = new Client({ host: '127.0.0.1', port, database: database.name, ...login, ssl })
    client.on('error', () => {}) // the server is stopped on purpose
    await client.connect()
    return client
      .query({ text, rowMode: 'array' })
      .then(({ rows }) => rows ?? [])
      .finally(() => client.end())
  }
