/** A real Postgres for tests. */
import { chmod, chown, mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { builtOnce } from '#e2e/images/built-once.ts'
import { engines } from '#e2e/images/recipes.ts'
import { engineRoot, type RootFolder } from '#e2e/images/root-folder.ts'
import { run } from '#tools/shell.ts'
import { cacheFolder } from '#tools/workspace.ts'
import { engineFolder } from './folder.ts'
import { freePort } from './ports.ts'
import { type ChrootCommand, chrootArguments, type EngineProcess, engineProcess } from './process.ts'
import { copyCertificates } from './tls-files.ts'

/** How to connect as the superuser. */
export interface PostgresAddress {
  host: string
  port: number
  user: string
  password: string
  database: string
}

export interface Postgres extends EngineProcess {
  address: PostgresAddress
  logFile: string
  /** Ends it for good and removes its data. */
  remove(): Promise<void>
}

export interface PostgresOptions {
  /** Settings of postgresql.conf that differ from the ones of tests, for example `{ max_connections: '20' }`. */
  settings?: Readonly<Record<string, string>>
  /** It takes TLS, too, by `server.crt`, `server.key` and `ca.crt` of this folder. */
  tlsFrom?: string
}

const recipe = engines.postgres
const superuser = { user: 'postgres', password: 'postgres', database: 'postgres' } as const

/** A killed process loses nothing without fsync, only a crashed machine would; tests are much faster without. */
const testSettings = { fsync: 'off', full_page_writes: 'off', unix_socket_directories: '/tmp' } as const

/** Starts a Postgres of its own on a free port of 127.0.0.1 (below a second; the first time some more). */
export async function startPostgres(options: PostgresOptions = {}): Promise<Postgres> {
  const root = await engineRoot('postgres')
  const folder = await engineFolder()
  const template = await emptyCluster(root)
  const data = join(folder.path, 'data')
  await run('cp', ['--archive', '--reflink=auto', template, data])
  const port = await freePort()
  const tls = options.tlsFrom === undefined ? {} : await tlsSettings(options.tlsFrom, data)
  const settings = {
    ...testSettings,
    ...tls,
    ...options.settings,
    listen_addresses: '127.0.0.1',
    port: String(port),
  }
  const arguments_ = Object.entries(settings).flatMap(([name, value]) => ['-c', `${name}=${value}`])
  const logFile = join(folder.path, 'postgres.log')
  const engine = engineProcess({
    name: 'postgres',
    command: command(root, data, ['postgres', ...arguments_]),
    logFile,
    readyText: 'database system is ready to accept connections',
    stopSignal: 'SIGINT',
  })
  await engine.start()
  return Object.assign(engine, {
    address: { host: '127.0.0.1', port, ...superuser },
    logFile,
    async remove() {
      await engine.stop()
      await folder.remove()
    },
  })
}

async function tlsSettings(from: string, data: string): Promise<Record<string, string>> {
  await copyCertificates(from, data, recipe.user.id, ['server.crt', 'server.key', 'ca.crt'])
  return { ssl: 'on', ssl_cert_file: 'server.crt', ssl_key_file: 'server.key', ssl_ca_file: 'ca.crt' }
}

function command(root: RootFolder, dataFolder: string, program: ChrootCommand['program']): ChrootCommand {
  const data = { folder: dataFolder, seenAs: recipe.dataFolder }
  return { root: root.path, userId: recipe.user.id, data, environment: recipe.environment, program }
}

/** An empty database cluster in the cache: copying it is faster than initdb. */
function emptyCluster(root: RootFolder): Promise<string> {
  return builtOnce(cacheFolder('engines'), `postgres-${root.key}`, folder => initialise(root, folder))
}

async function initialise(root: RootFolder, folder: string): Promise<void> {
  await mkdir(folder)
  await chmod(folder, 0o700)
  await chown(folder, recipe.user.id, recipe.user.id)
  const initdb = 'exec initdb --encoding=UTF8 --locale=C --username=postgres --auth=scram-sha-256 --no-sync'
  const program = ['sh', '-euc', `cat > /tmp/password; ${initdb} --pwfile=/tmp/password`] as const
  const chrooted = chrootArguments(command(root, folder, [...program]))
  await run(chrooted.program, chrooted.args, { input: superuser.password })
}
