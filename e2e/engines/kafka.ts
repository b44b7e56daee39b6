/** A real Kafka for tests: one broker, or three that replicate, each also a controller (KRaft). */
import { randomBytes } from 'node:crypto'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { engines } from '#e2e/images/recipes.ts'
import { engineRoot } from '#e2e/images/root-folder.ts'
import { run } from '#tools/shell.ts'
import { type EngineFolder, engineFolder } from './folder.ts'
import { freePort } from './ports.ts'
import { type ChrootCommand, chrootArguments, type EngineProcess, engineProcess } from './process.ts'

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
  brokers: Broker[]
  /** Ends all brokers for good (no orderly shutdown: it takes long) and removes their data. */
  remove(): Promise<void>
}

export interface KafkaOptions {
  brokers: 1 | 3
  /** Lines of server.properties that differ from the ones of tests. */
  settings?: Readonly<Record<string, string>>
}

/** What is known of a broker before it runs. */
interface Plan {
  id: number
  port: number
  controllerPort: number
  /** Names the broker's folder in the quorum. */
  directoryId: string
}

const recipe = engines.kafka
const logFolder = `${recipe.dataFolder}/log`
const propertiesFile = `${recipe.dataFolder}/server.properties`

/** Small and quick to start rather than fast for long: tests are short and share few cores. */
const javaFlags = ['-Xms64m', '-Xmx384m', '-XX:+UseSerialGC', '-XX:TieredStopAtLevel=1', '-Xshare:auto']

/** Starts Kafka on free ports of 127.0.0.1 and waits until all brokers serve. */
export async function startKafka({ brokers: count, settings = {} }: KafkaOptions): Promise<Kafka> {
  const root = await engineRoot('kafka')
  const folder = await engineFolder()
  const plans = await Promise.all(Array.from({ length: count }, (_, id) => plan(id)))
  const clusterId = uuid()
  const brokers = await Promise.all(
    plans.map(async own => {
      const data = await folder.own(`kafka-${own.id}`, recipe.user.id)
      await writeFile(join(data, 'server.properties'), properties(own, plans, settings), { mode: 0o644 })
      const command = commandIn(root.path, data)
      await format(command, clusterId, plans)
      return broker(own, command, folder)
    }),
  )
  try {
    await Promise.all(brokers.map(each => each.start()))
  } catch (error) {
    await killAll(brokers) // the folder stays: the error names the log in it
    throw error
  }
  return {
    bootstrapServers: brokers.map(each => each.address),
    brokers,
    async remove() {
      await killAll(brokers)
      await folder.remove()
    },
  }
}

async function killAll(brokers: readonly Broker[]): Promise<void> {
  await Promise.all(brokers.map(each => (each.pid ? each.kill('SIGKILL') : undefined)))
}

async function plan(id: number): Promise<Plan> {
  return { id, port: await freePort(), controllerPort: await freePort(), directoryId: uuid() }
}

/** The settings of one broker, as the text of server.properties. */
export function properties(
  own: Plan,
  all: readonly Plan[],
  changes: Readonly<Record<string, string>>,
): string {
  const replicas = String(all.length)
  const inSync = String(Math.min(2, all.length))
  const settings: Record<string, string> = {
    'process.roles': 'broker,controller',
    'node.id': String(own.id),
    'controller.quorum.bootstrap.servers': all.map(each => `127.0.0.1:${each.controllerPort}`).join(','),
    'controller.listener.names': 'CONTROLLER',
    'listener.security.protocol.map': 'PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT',
    listeners: `PLAINTEXT://127.0.0.1:${own.port},CONTROLLER://127.0.0.1:${own.controllerPort}`,
    'advertised.listeners': `PLAINTEXT://127.0.0.1:${own.port},CONTROLLER://127.0.0.1:${own.controllerPort}`,
    'inter.broker.listener.name': 'PLAINTEXT',
    'log.dirs': logFolder,
    'auto.create.topics.enable': 'false',
    'num.partitions': '1',
    'default.replication.factor': replicas,
    'min.insync.replicas': inSync,
    'offsets.topic.replication.factor': replicas,
    'offsets.topic.num.partitions': '4',
    'transaction.state.log.replication.factor': replicas,
    'transaction.state.log.min.isr': inSync,
    'transaction.state.log.num.partitions': '4',
    'share.coordinator.state.topic.replication.factor': replicas,
    'share.coordinator.state.topic.min.isr': inSync,
    'group.initial.rebalance.delay.ms': '0',
    // A killed broker may come back only when its old session is over: by default after nine seconds.
    'broker.session.timeout.ms': '4000',
    'broker.heartbeat.interval.ms': '500',
    ...changes,
  }
  return Object.entries(settings)
    .map(([name, value]) => `${name}=${value}\n`)
    .join('')
}

function commandIn(root: string, dataFolder: string): (main: string, ...args: string[]) => ChrootCommand {
  return (main, ...args) => ({
    root,
    userId: recipe.user.id,
    data: { folder: dataFolder, seenAs: recipe.dataFolder },
    environment: recipe.environment,
    program: ['java', ...javaFlags, '-cp', `${recipe.jarFolder}/*`, main, ...args],
  })
}

type KafkaCommand = ReturnType<typeof commandIn>

/** Prepares an empty data folder: a lone broker forms the quorum by itself, three must know each other. */
async function format(command: KafkaCommand, clusterId: string, plans: readonly Plan[]): Promise<void> {
  const voters = plans
    .map(each => `${each.id}@127.0.0.1:${each.controllerPort}:${each.directoryId}`)
    .join(',')
  const quorum = plans.length === 1 ? ['--standalone'] : ['--initial-controllers', voters]
  const tool = command('kafka.tools.StorageTool', 'format', '-t', clusterId, '-c', propertiesFile, ...quorum)
  const { program, args } = chrootArguments(tool)
  await run(program, args)
}

function broker(own: Plan, command: KafkaCommand, folder: EngineFolder): Broker {
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
