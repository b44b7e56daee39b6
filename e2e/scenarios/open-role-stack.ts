/** All roles as processes over engines of their own, on fixed ports, in tests and outside of them. */
import { randomBytes } from 'node:crypto'
import { credentialFiles, type Role } from '#dataservice/contract/names.ts'
import type { Settings } from '#dataservice/contract/settings.ts'
import { innerKey } from '#dataservice/platform/http/inner-key.ts'
import { connectTopics } from '#dataservice/platform/kafka/testing/topics.ts'
import { tableKind } from '#dataservice/platform/postgres/partitions.ts'
import { type RoleProcess, type RoleProcessOptions, startRole } from '#dataservice/testing/role-process.ts'
import type { TestCertificates } from '#e2e/engines/certificates.ts'
import { type Kafka, type KafkaOptions, startKafka } from '#e2e/engines/kafka.ts'
import { freePort } from '#e2e/engines/ports.ts'
import { type Postgres, type PostgresOptions, startPostgres } from '#e2e/engines/postgres.ts'
import { type Redis, startRedis } from '#e2e/engines/redis.ts'
import { type DatabaseUser, type ServiceDatabase, serviceDatabase } from '#e2e/engines/service-database.ts'
import { testSettings } from '#e2e/engines/service-settings.ts'
import { settledIn } from './settled.ts'

export interface RoleStack {
  kafka: Kafka
  postgres: Postgres
  redis: Redis
  /** Further instances of the cache. */
  redisPeers: readonly Redis[]
  database: ServiceDatabase
  /** What all roles read. */
  settings: Settings
  /** Its settings are those of all, unless it has others. */
  start(role: Role, options?: RoleProcessOptions & { settings?: Settings }): Promise<RoleProcess>
  /** All that were started, also those that have ended. */
  processes: readonly (RoleProcess & { role: Role })[]
  gatewayUrl: string
  /** Where its reader reaches it, with certificates. */
  innerUrl: string
  /** What must never be shown. */
  secrets: readonly string[]
}

export interface StackOptions {
  /** Overrides settings. */
  changes?: Partial<Settings>
  /** Of the log. Default 3. */
  partitions?: number
  /** Default: one broker. Each partition is kept on all of them. */
  kafka?: KafkaOptions
  postgres?: PostgresOptions
  /** Instances of the cache. Default 1. */
  caches?: number
  /** The hops between roles and engines are encrypted with these. */
  certificates?: TestCertificates
  /** The settings that the roles read, where something stands between them and the engines. */
  rewire?: (settings: Settings) => Settings
}

const userOf: Readonly<Record<Role, DatabaseUser>> = {
  gateway: 'reader',
  writer: 'writer',
  reader: 'reader',
  migrate: 'owner',
  maintain: 'owner',
  remove: 'owner',
  retire: 'owner',
}

/** Engines that may be killed, and how to start each role; what it starts goes with `resources`. */
export async function openRoleStack(
  resources: AsyncDisposableStack,
  options: StackOptions = {},
): Promise<RoleStack> {
  const [kafka, postgres, redis, redisPeers] = await startEngines(resources, options)
  const database = await serviceDatabase(postgres.address)
  const ports = { gateway: await freePort(), reader: await freePort(), inner: await freePort() }
  const { certificates } = options
  const base = testSettings(database.store, options.changes)
  const isChanging = tableKind(base.partitioning) === 'Upsert'
  const log = await makeTopics(kafka, options.partitions ?? 3, isChanging)
  const direct: Settings = {
    ...base,
    log: { ...base.log, ...log, ...(certificates && { brokers: kafka.encryptedServers }) },
    cache: cacheAt([redis, ...redisPeers]),
    reader: { url: `http${certificates ? 's' : ''}://127.0.0.1:${ports.reader}` },
    ...(certificates && { tls: 'Internal' }),
  }
  const settings = options.rewire?.(direct) ?? direct
  const cursorKey = randomBytes(32).toString('hex')
  const processes: (RoleProcess & { role: Role })[] = []
  return {
    kafka,
    postgres,
    redis,
    redisPeers,
    database,
    settings,
    processes,
    secrets: [cursorKey, innerKey(cursorKey), ...Object.values(userOf).map(database.password)],
    gatewayUrl: `http://127.0.0.1:${ports.gateway}`,
    innerUrl: `https://127.0.0.1:${ports.inner}`,
    async start(role, { settings: own = settings, ...more } = {}) {
      const credentials = {
        [credentialFiles.postgresPassword]: database.password(userOf[role]),
        [credentialFiles.redisPassword]: '',
        [credentialFiles.cursorKey]: cursorKey,
      }
      const httpPort = role === 'gateway' || role === 'reader' ? { httpPort: ports[role] } : {}
      const shown = certificates && { certificates: certificates.of(role) }
      const at = { ...httpPort, ...(role === 'gateway' && { innerPort: ports.inner }) }
      const process = await startRole(role, own, { credentials, ...at, ...shown, ...more })
      processes.push({ ...process, role })
      resources.defer(() => process.remove())
      return process
    },
  }
}

function cacheAt(instances: readonly Redis[]): Settings['cache'] {
  const [first, ...peers] = instances.map(({ host, port }) => ({ host, port }))
  if (!first) throw new Error('there is no Redis')
  return { ...first, ttlSeconds: 60, ...(peers.length > 0 && { peers }) }
}

function startEngines(resources: AsyncDisposableStack, options: StackOptions) {
  const removedLater = <Engine extends { remove(): Promise<void> }>(engine: Engine): Engine => {
    resources.defer(() => engine.remove())
    return engine
  }
  const tls = options.certificates && { tlsFrom: options.certificates.engines }
  const cache = () => startRedis({ ...tls, asksForCertificates: true }).then(removedLater)
  return Promise.all([
    startKafka({ brokers: 1, ...options.kafka, ...tls }).then(removedLater),
    startPostgres({ ...options.postgres, ...tls }).then(removedLater),
    cache(),
    Promise.all(Array.from({ length: (options.caches ?? 1) - 1 }, cache)),
  ])
}

async function makeTopics(
  { bootstrapServers: brokers, brokers: { length } }: Kafka,
  partitions: number,
  isChanging: boolean,
) {
  const replicas = (first: number) => Array.from({ length }, (_, index) => (first + index) % length)
  const topics = await connectTopics(brokers)
  const all = Array.from({ length: partitions }, (_, index) => replicas(index))
  const eventsTopic = await topics.create(all)
  const deadLettersTopic = await topics.create([replicas(0)], `${eventsTopic}.dead-letters`)
  const changesTopic = isChanging ? await topics.create(all, `${eventsTopic}.changes`) : undefined
  await topics.close()
  return { brokers, eventsTopic, deadLettersTopic, partitions, ...(changesTopic && { changesTopic }) }
}

/** Waits until a role says that it is ready; then rejects with its log. */
export const ready = (process: RoleProcess): Promise<void> =>
  settledIn(120_000, async () => {
    const status = await process.readiness()
    if (status !== 200) throw new Error(`/readyz answers ${status}\n${process.log()}`)
  })
