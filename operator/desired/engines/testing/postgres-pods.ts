/** Pods of Postgres as their scripts stand in the ConfigMap, run as plain processes; only places are moved. */
import { mkdir, readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { Client } from 'pg'
import { onTestFinished } from 'vitest'
import { credentialKeys, database, type LoginSet, ports } from '#dataservice/contract/names.ts'
import { type EngineFolder, engineFolder } from '#e2e/engines/folder.ts'
import { freePort } from '#e2e/engines/ports.ts'
import { type EngineProcess, engineProcess } from '#e2e/engines/process.ts'
import { engines } from '#e2e/images/recipes.ts'
import { engineRoot } from '#e2e/images/root-folder.ts'
import { engineConfigMap } from '#operator/desired/engine-config-map.ts'
import { dataService, withSpec } from '#operator/testing/data-service.ts'
import { targetOf } from '#operator/testing/target.ts'
import { run } from '#tools/shell.ts'
import { configPath, loginsFile, passwordsPath, primaryFile, secretPath } from '../engine.ts'
import { dataPath } from '../postgres-scripts.ts'
import { exitCode } from './exit-code.ts'
import { type MountPasswords, mounting } from './mounted-passwords.ts'

export interface Pod extends EngineProcess {
  port: number
  /** Rows of one statement as the owner; rejects while it does not serve. */
  sql(text: string): Promise<unknown[][]>
  /** The same as any user. */
  sqlAs(login: Login, text: string): Promise<unknown[][]>
  /** A connection as any user that stays; rejects where it is not let in. */
  open(login: Login): Promise<Client>
  /** The same, for the role that copies the log: it may not look into the database. */
  openLog(login: Login): Promise<Client>
  /** What its files say from now on about the users of a set, by the mounted passwords. */
  tellLogins(set: LoginSet, turn: number | 'closed'): Promise<void>
  /** The Secret of a set as the kubelet brings it; undefined takes it away. */
  mountPasswords: MountPasswords
  /** Runs a statement as superuser over the local socket; answers the exit code. */
  administer(text: string): Promise<number>
  /** The exit code of the liveness probe. */
  probe(): Promise<number>
  /** That of the readiness probe. */
  readiness(): Promise<number>
  /** What its files say from now on. */
  tell(primary: { ordinal: number; port: number }): Promise<void>
  /** From its next start on: statements that its start script runs before its own. */
  runsFirst(statements: string): Promise<void>
  emptyVolume(): Promise<void>
  log(): Promise<string>
}

export interface Login {
  user: string
  password: string
}

export const soon = { timeout: 60_000, interval: 100 }

const recipe = engines.postgres
const target = targetOf(dataService(withSpec({ postgres: { managed: { instances: 2 } } })))
const primaryHost = 'orders-postgres-rw.shop.svc'

/**
 * Pods 0, 1, … of one DataService; they find pod 0 as pods find the primary. `isFirst`: what they run is process 1, as in a
 * container.
 */
export async function podsOf(count: number, { isFirst = false } = {}): Promise<Pod[]> {
  const folder = await engineFolder()
  const numbers = await Promise.all(Array.from({ length: count }, () => freePort()))
  const pods = await Promise.all(
    numbers.map((port, ordinal) => pod(folder, { ordinal, port, primaryPort: numbers[0] ?? port, isFirst })),
  )
  onTestFinished(async () => {
    await Promise.all(pods.map(each => (each.pid ? each.kill('SIGKILL') : undefined)))
    await folder.remove()
  })
  return pods
}

interface Place {
  ordinal: number
  port: number
  primaryPort: number
  isFirst: boolean
}

async function pod(folder: EngineFolder, { ordinal, port, primaryPort, isFirst }: Place): Promise<Pod> {
  const root = await engineRoot('postgres')
  const data = await folder.own(`pod-${ordinal}`, recipe.user.id)
  const [config, secrets, sockets, passwords] = ['config', 'secrets', 'run', 'passwords'].map(name =>
    join(dataPath, name),
  )
  const moved = (text: string): string =>
    text
      .replaceAll(configPath, config ?? '')
      .replaceAll(secretPath, secrets ?? '')
      .replaceAll(passwordsPath, passwords ?? '')
      .replaceAll('/var/run/postgresql', sockets ?? '')
      .replaceAll(`${primaryHost} port=${ports.postgres}`, `127.0.0.1 port=${primaryPort}`)
      .replaceAll(`port = ${ports.postgres}`, `port = ${port}`)
  for (const name of ['config', 'secrets', 'run', 'passwords', 'passwords/1', 'passwords/2'])
    await mkdir(join(data, name))
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
  const bootstrap = join(data, 'config', 'bootstrap.sql')
  const ownBootstrap = await readFile(bootstrap, 'utf8')
  const engine = engineProcess({
    name: `postgres-${ordinal}`,
    command: { ...command(['sh', `${config}/start.sh`]), isFirst },
    logFile,
    readyText: ordinal === 0 ? 'listening on IPv4 address' : 'ready to accept read-only connections',
    stopSignal: 'SIGINT',
  })
  return Object.assign(engine, {
    port,
    sql: (text: string) => query(port, ownerOf, text),
    sqlAs: (login: Login, text: string) => query(port, login, text),
    open: (login: Login) => connection(port, login),
    openLog: (login: Login) => connection(port, login, 'postgres'),
    tellLogins: (set: LoginSet, turn: number | 'closed') =>
      writeFile(join(data, 'config', loginsFile(set)), `${turn}\n`),
    mountPasswords: mounting(join(data, 'passwords')),
    administer: (text: string) =>
      exitCode(
        command(['psql', `--host=${sockets}`, '--username=postgres', '--dbname=postgres', '--command', text]),
      ),
    probe: () => exitCode(command(['sh', `${config}/alive.sh`])),
    readiness: () => exitCode(command(['sh', `${config}/ready.sh`])),
    tell,
    runsFirst: (statements: string) => writeFile(bootstrap, `${statements}\n${ownBootstrap}`),
    emptyVolume: () => rm(join(data, 'pgdata'), { recursive: true }),
    log: () => readFile(logFile, 'utf8'),
  })
}

export const ownerOf: Login = { user: database.users.owner, password: `of-${credentialKeys.owner}` }

async function connection(port: number, login: Login, name: string = database.name): Promise<Client> {
  const client = new Client({ host: '127.0.0.1', port, database: name, ...login })
  client.on('error', () => {}) // the server is killed on purpose
  await client.connect()
  return client
}

async function query(port: number, login: Login, text: string): Promise<unknown[][]> {
  const client = await connection(port, login)
  return client
    .query({ text, rowMode: 'array' })
    .then(({ rows }) => rows)
    .finally(() => client.end())
}
