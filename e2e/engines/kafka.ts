/** A real Kafka for tests: one broker, or three that replicate, each also a controller (KRaft). */
import { randomBytes } from 'node:crypto'
import { readdirSync } from 'node:fs'
import { copyFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { builtOnce } from '#e2e/images/built-once.ts'
import { engines } from '#e2e/images/recipes.ts'
import { engineRoot, type RootFolder } from '#e2e/images/root-folder.ts'
import { run } from '#tools/shell.ts'
import { cacheFolder } from '#tools/workspace.ts'
import { type EngineFolder, engineFolder } from './folder.ts'
import { type BrokerPlan, encryptedListener, loginListener, serverProperties } from './kafka-properties.ts'
import { freePort } from './ports.ts'
import { type ChrootCommand, chrootArguments, type EngineProcess, engineProcess } from './process.ts'
import { copyCertificates } from './tls-files.ts'

export interface Broker extends EngineProcess {
  /** The broker's number, from 0. */
  id: number
  /** `127.0.0.1:port` */
  address: string
  logFile: string
}

export interface Kafka {
  /** The addresses of all brokers. */
  bootstrapServers: string[]
  /** The same for TLS; empty without. */
  encryptedServers: string[]
  /** The same for those who log in over TLS; empty without users. */
  loginServers: string[]
  brokers: Broker[]
  /** Ends all brokers for good (no orderly shutdown: it takes long) and removes their data. */
  remove(): Promise<void>
}

export interface KafkaOptions {
  brokers: 1 | 3
  /** Lines of server.properties that differ from the ones of tests. */
  settings?: Readonly<Record<string, string>>
  /** It takes TLS, too, by `server.pem` and `ca.crt` of this folder, from clients that show a certificate. */
  tlsFrom?: string
  /** Passwords by name of those who log in by SCRAM-SHA-512, over TLS. */
  users?: Readonly<Record<string, string>>
}

const recipe = engines.kafka
const propertiesFile = `${recipe.dataFolder}/server.properties`

const archiveFile = `${recipe.dataFolder}/classes.jsa`
/** Raise it when the class path or the flags below change. */
const archiveVersion = 2

/** Small and quick to start rather than fast for long: tests are short and share few cores. */
const javaFlags = ['-Xms64m', '-Xmx384m', '-XX:+UseSerialGC', '-XX:TieredStopAtLevel=1', '-Xshare:auto']

/** Starts Kafka on free ports of 127.0.0.1 and waits until all brokers serve. */
export async function startKafka(options: KafkaOptions): Promise<Kafka> {
  const root = await engineRoot('kafka')
  const archive = await classArchive(root)
  return launch(root, options, async data => {
    await copyFile(archive, join(data, 'classes.jsa'))
    return `-XX:SharedArchiveFile=${archiveFile}`
  })
}

/**
 * Java's archive of loaded classes, made once by a broker's first run: it halves the start of each later one, here and
 * in the image, as long as Java and its class path are the same.
 */
export function classArchive(root: RootFolder): Promise<string> {
  return builtOnce(cacheFolder('engines'), `kafka-${root.key}-${archiveVersion}.jsa`, async file => {
    let written = ''
    const kafka = await launch(root, { brokers: 1 }, async data => {
      written = join(data, 'classes.jsa')
      return `-XX:ArchiveClassesAtExit=${archiveFile}`
    })
    await Promise.all(kafka.brokers.map(each => each.stop()))
    await copyFile(written, file)
    await kafka.remove()
  })
}

/** `prepare` may put files into a broker's data folder; it answers one more flag for Java. */
async function launch(
  root: RootFolder,
  { brokers: count, settings = {}, tlsFrom, users }: KafkaOptions,
  prepare: (dataFolder: string) => Promise<string>,
): Promise<Kafka> {
  const folder = await engineFolder()
  const plans = await Promise.all(Array.from({ length: count }, (_, id) => plan(id)))
  const clusterId = uuid()
  const brokers = await Promise.all(
    plans.map(async own => {
      const data = await folder.own(`kafka-${own.id}`, recipe.user.id)
      const files = ['server.pem', 'ca.crt']
      if (tlsFrom !== undefined) await copyCertificates(tlsFrom, data, recipe.user.id, files)
      const changes = { ...listeners(own, { tlsFrom, users }), ...settings }
      await writeFile(join(data, 'server.properties'), serverProperties(own, plans, changes))
      const command = commandIn(root.path, data, await prepare(data))
      await format(command, { clusterId, plans, ...(users && { users }) })
      return broker(own, command, folder)
    }),
  )
  await startAll(brokers)
  return {
    bootstrapServers: brokers.map(each => each.address),
    encryptedServers: tlsFrom === undefined ? [] : plans.map(({ tlsPort }) => `127.0.0.1:${tlsPort}`),
    loginServers: users === undefined ? [] : plans.map(({ loginPort }) => `127.0.0.1:${loginPort}`),
    brokers,
    async remove() {
      await killAll(brokers)
      await folder.remove()
    },
  }
}

function listeners(own: BrokerPlan, { tlsFrom, users }: Record<'tlsFrom' | 'users', unknown>) {
  if (users !== undefined) return loginListener(own)
  return tlsFrom === undefined ? {} : encryptedListener(own)
}

async function startAll(brokers: readonly Broker[]): Promise<void> {
  try {
    await Promise.all(brokers.map(each => each.start()))
  } catch (error) {
    await killAll(brokers) // the folder stays: the error names the log in it
    throw error
  }
}

async function killAll(brokers: readonly Broker[]): Promise<void> {
  await Promise.all(brokers.map(each => (each.pid ? each.kill('SIGKILL') : undefined)))
}

async function plan(id: number): Promise<BrokerPlan> {
  const [port, controllerPort] = [await freePort(), await freePort()]
  const ports = { port, controllerPort, tlsPort: await freePort(), loginPort: await freePort() }
  return { id, ...ports, directoryId: uuid() }
}

/** Jar by jar in the order of their names, as the operator's pods have it. */
function classPath(root: string): string {
  const jars = readdirSync(join(root, recipe.jarFolder)).filter(name => name.endsWith('.jar'))
  return jars
    .sort()
    .map(name => `${recipe.jarFolder}/${name}`)
    .join(':')
}

function commandIn(
  root: string,
  dataFolder: string,
  flag: string,
): (main: string, ...args: string[]) => ChrootCommand {
  return (main, ...args) => ({
    root,
    userId: recipe.user.id,
    data: { folder: dataFolder, seenAs: recipe.dataFolder },
    environment: recipe.environment,
    program: ['java', ...javaFlags, flag, '-cp', classPath(root), main, ...args],
  })
}

type KafkaCommand = ReturnType<typeof commandIn>

/** Prepares an empty data folder: a lone broker forms the quorum by itself, three must know each other. */
async function format(
  command: KafkaCommand,
  {
    clusterId,
    plans,
    users = {},
  }: { clusterId: string; plans: readonly BrokerPlan[] } & Pick<KafkaOptions, 'users'>,
): Promise<void> {
  const voters = plans
    .map(each => `${each.id}@127.0.0.1:${each.controllerPort}:${each.directoryId}`)
    .join(',')
  const quorum = plans.length === 1 ? ['--standalone'] : ['--initial-controllers', voters]
  const logins = Object.entries(users).flatMap(([name, password]) => [
    '--add-scram',
    `SCRAM-SHA-512=[name=${name},password=${password}]`,
  ])
  const options = ['-t', clusterId, '-c', propertiesFile, ...quorum, ...logins]
  const tool = command('kafka.tools.StorageTool', 'format', ...options)
  const { program, args } = chrootArguments(tool)
  await run(program, args)
}

function broker(own: BrokerPlan, command: KafkaCommand, folder: EngineFolder): Broker {
  const logFile = join(folder.path, `kafka-${own.id}.log`)
  const engine = engineProcess({
    name: `kafka-${own.id}`,
    command: command('kafka.Kafka', propertiesFile),
    logFile,
    readyText: 'Kafka Server started',
    stopSignal: 'SIGTERM',
  })
  return Object.assign(engine, { id: own.id, address: `127.0.0.1:${own.port}`, logFile })
}

/** A random identity in Kafka's own spelling. */
function uuid(): string {
  for (;;) {
    const text = randomBytes(16).toString('base64url')
    if (!text.startsWith('-')) return text // Kafka's tools would take it for an option
  }
}
