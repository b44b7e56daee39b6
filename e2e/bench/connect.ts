/** A peer of the writer: Kafka Connect, standalone, with Debezium's sink for databases. */
import { createHash } from 'node:crypto'
import { copyFile, readdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { engineFolder } from '#e2e/engines/folder.ts'
import { freePort } from '#e2e/engines/ports.ts'
import { engineProcess } from '#e2e/engines/process.ts'
import { builtOnce } from '#e2e/images/built-once.ts'
import { copyJars } from '#e2e/images/kafka-jars.ts'
import { engines } from '#e2e/images/recipes.ts'
import { engineRoot } from '#e2e/images/root-folder.ts'
import { ensurePackages } from '#tools/packages.ts'
import { cacheFolder } from '#tools/workspace.ts'

const connectVersion = '4.3.0'
export const debeziumVersion = '3.5.0.Final'
const jars = [
  `org.apache.kafka:connect-runtime:${connectVersion}`,
  `org.apache.kafka:connect-json:${connectVersion}`,
  `io.debezium:debezium-connector-jdbc:${debeziumVersion}`,
  'org.slf4j:slf4j-simple:1.7.36',
]
/** As `connect-standalone.sh` has it; what Java chooses by itself stays. */
const javaFlags = ['-Xms256m', '-Xmx2g']
const quiet = ['defaultLogLevel=warn', 'log.org.apache.kafka.connect.runtime.Connect=info'].map(
  setting => `-Dorg.slf4j.simpleLogger.${setting}`,
)
const requestMs = 30_000

export type ConnectorSettings = Readonly<Record<string, string>>

export interface Connect {
  pid: number
  /** Starts a connector; rejects when it is refused. */
  start(name: string, settings: ConnectorSettings): Promise<void>
  /** Rejects with the trace of a task of it that failed. */
  check(name: string): Promise<void>
  stop(name: string): Promise<void>
}

/** Starts a worker that reads as many records at once as the sink may write. */
export async function startConnect(
  brokers: readonly string[],
  batchRecords: number,
  resources: AsyncDisposableStack,
): Promise<Connect> {
  const { user, dataFolder, environment } = engines.kafka
  const [root, jarFolder, port] = await Promise.all([engineRoot('kafka'), connectJars(), freePort()])
  const folder = await engineFolder()
  resources.defer(() => folder.remove())
  const data = await folder.own('connect', user.id)
  for (const jar of await readdir(jarFolder)) await copyFile(join(jarFolder, jar), join(data, jar))
  const settings = {
    'bootstrap.servers': brokers.join(','),
    listeners: `http://127.0.0.1:${port}`,
    'offset.storage.file.filename': `${dataFolder}/offsets`,
    'key.converter': 'org.apache.kafka.connect.storage.StringConverter',
    'value.converter': 'org.apache.kafka.connect.json.JsonConverter',
    'consumer.max.poll.records': String(batchRecords),
    'consumer.auto.offset.reset': 'earliest',
  }
  const lines = Object.entries(settings).map(([name, value]) => `${name}=${value}\n`)
  await writeFile(join(data, 'worker.properties'), lines.join(''))
  const main = ['org.apache.kafka.connect.cli.ConnectStandalone', `${dataFolder}/worker.properties`]
  const engine = engineProcess({
    name: 'connect',
    command: {
      root: root.path,
      userId: user.id,
      data: { folder: data, seenAs: dataFolder },
      environment,
      program: ['java', ...javaFlags, ...quiet, '-cp', `${dataFolder}/*`, ...main],
    },
    logFile: join(folder.path, 'connect.log'),
    readyText: 'Kafka Connect started',
    stopSignal: 'SIGTERM',
  })
  await engine.start()
  resources.defer(() => engine.stop())
  if (engine.pid === undefined) throw new Error('Connect ended')
  return { pid: engine.pid, ...connectorsAt(`http://127.0.0.1:${port}/connectors`) }
}

/** Once for each list of versions; Maven compares what it loads with the checksums of its repository. */
function connectJars(): Promise<string> {
  const hash = createHash('sha256').update(jars.join()).digest('hex').slice(0, 12)
  return builtOnce(cacheFolder('connect'), `${connectVersion}-${debeziumVersion}-${hash}`, async folder => {
    await ensurePackages({ programs: { mvn: 'maven' } })
    await copyJars(jars, folder)
  })
}

interface Status {
  tasks: { state: string; trace?: string }[]
}

function connectorsAt(url: string): Omit<Connect, 'pid'> {
  const request = async (path: string, init: RequestInit = {}): Promise<Response> => {
    const answer = await fetch(`${url}${path}`, { ...init, signal: AbortSignal.timeout(requestMs) })
    if (!answer.ok) throw new Error(`Connect answered ${answer.status}: ${await answer.text()}`)
    return answer
  }
  return {
    async start(name, settings) {
      const headers = { 'content-type': 'application/json' }
      await request(`/${name}/config`, { method: 'PUT', headers, body: JSON.stringify(settings) })
    },
    async check(name) {
      const { tasks }: Status = JSON.parse(await (await request(`/${name}/status`)).text())
      const failed = tasks.find(({ state }) => state === 'FAILED')
      if (failed) throw new Error(`the connector failed: ${failed.trace?.slice(0, 2_000)}`)
    },
    async stop(name) {
      await request(`/${name}`, { method: 'DELETE' })
    },
  }
}
