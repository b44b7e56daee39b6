/**
 * The data plane: `node main.ts <role>`. Reads the settings, builds the adapters of that role, and runs it until it
 * is done or told to stop. Nothing else builds adapters.
 */
import { readFileSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Logger } from 'pino'
import { credentialFiles, type Role } from '#dataservice/contract/names.ts'
import { judgeRecord } from '#dataservice/contract/record-schema.ts'
import { parseSettings, type Settings } from '#dataservice/contract/settings.ts'
import { start as startGateway } from '#dataservice/gateway/role.ts'
import { start as startMaintain } from '#dataservice/maintain/role.ts'
import { start as startMigrate } from '#dataservice/migrate/role.ts'
import {
  type Circuit,
  type CircuitStateName,
  makeCircuit,
  measureCircuits,
} from '#dataservice/platform/circuit.ts'
import { type Environment, readEnvironment } from '#dataservice/platform/environment.ts'
import { readMountedSecret } from '#dataservice/platform/files/mounted-secret.ts'
import { assetReader, docsFolder } from '#dataservice/platform/http/docs-assets.ts'
import { innerKey } from '#dataservice/platform/http/inner-key.ts'
import { jsonOf, keySetAt } from '#dataservice/platform/http/key-set-source.ts'
import { isReaderFailure, ReaderClient } from '#dataservice/platform/http/reader-client.ts'
import { createAppender } from '#dataservice/platform/kafka/appender.ts'
import { createConsumer } from '#dataservice/platform/kafka/consumer.ts'
import { createLogLag } from '#dataservice/platform/kafka/log-lag.ts'
import { createLogReader } from '#dataservice/platform/kafka/log-reader.ts'
import type { RoleContext, Running } from '#dataservice/platform/lifecycle.ts'
import { type Database, type DatabaseOptions, openDatabase } from '#dataservice/platform/postgres/database.ts'
import { guardedReads, isLost, type Reads, readsWithFallback } from '#dataservice/platform/postgres/reads.ts'
import { live, stopRequests } from '#dataservice/platform/process.ts'
import { openCache } from '#dataservice/platform/redis/cache.ts'
import { openRateLimiter, type RateLimiter } from '#dataservice/platform/redis/rate-limiter.ts'
import { makeLog } from '#dataservice/platform/telemetry/log.ts'
import { makeMetrics } from '#dataservice/platform/telemetry/metrics.ts'
import { startTelemetry } from '#dataservice/platform/telemetry/server.ts'
import { start as startReader } from '#dataservice/reader/role.ts'
import { start as startWriter } from '#dataservice/writer/role.ts'

/** How each role gets its adapters. */
const compose: Readonly<Record<Role, (context: RoleContext, environment: Environment) => Promise<Running>>> =
  {
    async gateway(context, environment) {
      const { httpPort } = environment
      const reader = readerClient(context)
      context.onClose('the way to the reader', () => reader.close())
      const appender = await createAppender({ ...topicOptions(context), signal: context.signal })
      context.onClose('the log', () => appender.close())
      const lag = createLogLag({ ...topicOptions(context), group: context.settings.log.group })
      context.onClose('the lag of the log', () => lag.close())
      const follow = createLogReader(topicOptions(context))
      context.onClose('the log for those who follow it', () => follow.close())
      const asset = assetReader(docsFolder())
      const keys = keySources(context, environment)
      const listen = { port: httpPort }
      return startGateway(context, { appender, reader, lag, follow, asset, keys, listen })
    },
    writer(context) {
      const database = connect(context, 'writer', context.settings.store.poolSize.writer)
      const consumer = createConsumer({ ...topicOptions(context), group: context.settings.log.group })
      const topic = context.settings.log.deadLettersTopic
      const openDeadLetters = (signal: AbortSignal) =>
        createAppender({ ...topicOptions(context), topic, signal })
      return startWriter(context, { consumer, database, openDeadLetters })
    },
    reader(context, { httpPort }) {
      const databases = reads(context)
      const store = makeCircuit({ isFailure: isLost, onChange: told(context.log, 'store') })
      const { namespace, name, cache: address } = context.settings
      const cache = openCache({
        host: address.host,
        port: address.port,
        password: context.credential(credentialFiles.redisPassword),
        prefix: `${namespace}.${name}:`,
        log: context.log,
      })
      context.onClose('the cache', () => cache.close())
      measureCircuits(context.metrics, { store, cache })
      return startReader(context, { ...guarded(databases, store), cache, listen: { port: httpPort } })
    },
    migrate: context => startMigrate(context, { database: connect(context, 'owner', 1) }),
    maintain: context => startMaintain(context, { database: connect(context, 'owner', 1) }),
  }

/** The gateway's way to the reader, behind a circuit breaker. */
function readerClient({ settings, credential, metrics, log }: RoleContext): ReaderClient {
  const circuit = makeCircuit({ isFailure: isReaderFailure, onChange: told(log, 'reader') })
  measureCircuits(metrics, { reader: circuit })
  const key = innerKey(credential(credentialFiles.cursorKey))
  return new ReaderClient({ url: settings.reader.url, key, circuit })
}

const told = (log: Logger, circuit: string) => (state: CircuitStateName) =>
  log.warn({ circuit, state }, 'a circuit changed its state')

/** Where the gateway finds the keys of its callers. */
function keySources(context: RoleContext, { apiKeysPath, keySetPath }: Environment) {
  const { jwt, apiKeys = false } = context.settings.gateway?.authentication ?? {}
  const uri = jwt?.jwksUri
  const remote = uri === undefined ? undefined : keySetAt(uri)
  if (remote) context.onClose('the way to the issuer', () => remote.close())
  const limiter = rateLimiter(context)
  return {
    ...(limiter && { limiter }),
    ...(apiKeys && { apiKeys: () => readMountedSecret(apiKeysPath) }),
    ...(jwt && { keySet: remote?.fetch ?? (async () => jsonOf(await readFile(keySetPath, 'utf8'))) }),
  }
}

/** What the gateway counts requests with; it needs Redis for nothing else. */
function rateLimiter(context: RoleContext): RateLimiter | undefined {
  const { namespace, name, cache, gateway } = context.settings
  if (gateway?.rateLimit === undefined) return undefined
  const limiter = openRateLimiter({
    ...gateway.rateLimit,
    host: cache.host,
    port: cache.port,
    password: context.credential(credentialFiles.redisPassword),
    prefix: `${namespace}.${name}:rate:`,
    log: context.log,
  })
  context.onClose('the rate limits', () => limiter.close())
  return limiter
}

function topicOptions({ settings, podName, log }: RoleContext) {
  return {
    brokers: settings.log.brokers,
    topic: settings.log.eventsTopic,
    clientId: podName,
    warn: (message: string) => log.warn(message),
  }
}

/**
 * How each user differs. The owner's statements change tables and have no time limit. The writer's partitions share few
 * connections and take turns; a reader's client would not wait so long.
 */
const connections: Readonly<Record<keyof Settings['store']['users'], Partial<DatabaseOptions>>> = {
  owner: { statementTimeoutMs: 0 },
  writer: { waitMs: 30_000 },
  reader: {},
}

/** Postgres as one of our users. */
function connect(context: RoleContext, user: keyof Settings['store']['users'], poolSize: number): Database {
  return connectTo(context.settings.store.primary, context, user, poolSize)
}

interface ReaderDatabases {
  database: Reads
  primary?: Reads
}

function guarded({ database, primary }: ReaderDatabases, circuit: Circuit): ReaderDatabases {
  return {
    database: guardedReads(database, circuit),
    ...(primary && { primary: guardedReads(primary, circuit) }),
  }
}

/** Where the reader asks: the replica, with the primary behind it where they are two. */
function reads(context: RoleContext): ReaderDatabases {
  const { primary, replica, poolSize } = context.settings.store
  const first = connectTo(replica, context, 'reader', poolSize.reader)
  if (replica.host === primary.host && replica.port === primary.port) return { database: first }
  const behind = connectTo(primary, context, 'reader', poolSize.reader)
  const database = readsWithFallback(first, behind, {
    now: () => performance.now(),
    onAway: failure => context.log.warn({ err: failure }, 'the replica is away: the primary answers'),
  })
  return { database, primary: behind }
}

function connectTo(
  address: Settings['store']['primary'],
  context: RoleContext,
  user: keyof Settings['store']['users'],
  poolSize: number,
): Database {
  const { database, schema, users } = context.settings.store
  const opened = openDatabase({
    ...address,
    database,
    schema,
    user: users[user],
    applicationName: context.podName,
    password: () => context.credential(credentialFiles.postgresPassword),
    poolSize,
    ...connections[user],
  })
  context.onClose('the database', () => opened.close())
  return opened
}

async function main(): Promise<number> {
  const environment = readEnvironment(process.argv.slice(2), process.env)
  const { role, podName, logLevel: level, credentialsPath } = environment
  const stops = stopRequests(process)
  const settings = parseSettings(readFileSync(environment.settingsPath, 'utf8'))
  const log = makeLog({ role, service: `${settings.namespace}/${settings.name}`, pod: podName, level })
  const record = acceptedRecord(settings, log)
  const metrics = makeMetrics()
  const credential = (file: string) => readFileSync(join(credentialsPath, file), 'utf8').replace(/\n$/, '')
  const { exitCode, notReady } = live({
    start: life =>
      compose[role]({ ...life, settings, record, credential, log, metrics, podName }, environment),
    stops,
    log,
    drainMs: environment.drainMs,
  })
  const telemetry = await startTelemetry({ metrics, notReady, port: environment.telemetryPort })
  const code = await exitCode
  await telemetry.close()
  return code
}

function acceptedRecord(settings: Settings, log: Logger) {
  const verdict = judgeRecord(settings.record)
  if (verdict.kind === 'accepted') return verdict.record
  log.fatal({ problems: verdict.problems }, 'the record declaration cannot be used')
  throw new Error('the record declaration cannot be used')
}

process.exit(
  await main().catch((error: unknown) => {
    console.error(error instanceof Error ? error.message : error)
    return 1
  }),
)
