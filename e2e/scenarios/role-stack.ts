/** All roles as processes over engines of their own, on fixed ports. */
import { randomBytes } from 'node:crypto'
import { expect, onTestFinished } from 'vitest'
import { credentialFiles, type Role } from '#dataservice/contract/names.ts'
import type { Settings } from '#dataservice/contract/settings.ts'
import { innerKey } from '#dataservice/platform/http/inner-key.ts'
import { connectTopics } from '#dataservice/platform/kafka/testing/topics.ts'
import { type RoleProcess, type RoleProcessOptions, startRole } from '#dataservice/testing/role-process.ts'
import { type Kafka, startKafka } from '#e2e/engines/kafka.ts'
import { freePort } from '#e2e/engines/ports.ts'
import { type Postgres, startPostgres } from '#e2e/engines/postgres.ts'
import { type Redis, startRedis } from '#e2e/engines/redis.ts'
import { type DatabaseUser, type ServiceDatabase, serviceDatabase } from '#e2e/engines/service-database.ts'
import { testSettings } from '#e2e/engines/service-settings.ts'
import { settledIn } from './settled.ts'

export interface RoleStack {
  kafka: Kafka
  postgres: Postgres
  redis: Redis
  database: ServiceDatabase
  start(role: Role, options?: RoleProcessOptions): Promise<RoleProcess>
  gatewayUrl: string
  /** What must never be shown. */
  secrets: readonly string[]
}

const userOf: Readonly<Record<Role, DatabaseUser>> = {
  gateway: 'reader',
  writer: 'writer',
  reader: 'reader',
  migrate: 'owner',
  maintain: 'owner',
}

/** Engines that a test may kill, and how to start each role. `changes` overrides settings. */
export async function roleStack(changes: Partial<Settings> = {}): Promise<RoleStack> {
  const [kafka, postgres, redis] = await Promise.all([
    startKafka({ brokers: 1 }),
    startPostgres(),
    startRedis(),
  ])
  onTestFinished(async () => {
    await Promise.all([kafka.remove(), postgres.remove(), redis.remove()])
  })
  const database = await serviceDatabase(postgres.address)
  const topics = await connectTopics(kafka.bootstrapServers)
  const eventsTopic = await topics.create([[0], [0], [0]])
  await topics.close()
  const ports = { gateway: await freePort(), reader: await freePort() }
  const base = testSettings(database.store, changes)
  const settings: Settings = {
    ...base,
    log: { ...base.log, brokers: kafka.bootstrapServers, eventsTopic },
    cache: { host: redis.host, port: redis.port, ttlSeconds: 60 },
    reader: { url: `http://127.0.0.1:${ports.reader}` },
  }
  const cursorKey = randomBytes(32).toString('hex')
  return {
    kafka,
    postgres,
    redis,
    database,
    secrets: [cursorKey, innerKey(cursorKey), ...Object.values(userOf).map(database.password)],
    gatewayUrl: `http://127.0.0.1:${ports.gateway}`,
    async start(role, options = {}) {
      const credentials = {
        [credentialFiles.postgresPassword]: database.password(userOf[role]),
        [credentialFiles.redisPassword]: '',
        [credentialFiles.cursorKey]: cursorKey,
      }
      const httpPort = role === 'gateway' || role === 'reader' ? { httpPort: ports[role] } : {}
      const process = await startRole(role, settings, { credentials, ...httpPort, ...options })
      onTestFinished(() => process.remove())
      return process
    },
  }
}

/** Waits until a role says that it is ready. */
export const ready = (process: RoleProcess) =>
  settledIn(120_000, async () => expect(await process.readiness(), process.log()).toBe(200))
