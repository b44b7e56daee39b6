/** The whole path as processes over real engines, each of which is killed while records come in. */
import { randomBytes } from 'node:crypto'
import { setTimeout as delay } from 'node:timers/promises'
import { expect, onTestFinished, test } from 'vitest'
import { credentialFiles, type Role } from '#dataservice/contract/names.ts'
import type { Settings } from '#dataservice/contract/settings.ts'
import { connectTopics } from '#dataservice/platform/kafka/testing/topics.ts'
import { type RoleProcess, startRole } from '#dataservice/testing/role-process.ts'
import { type Kafka, startKafka } from '#e2e/engines/kafka.ts'
import { freePort } from '#e2e/engines/ports.ts'
import { type Postgres, startPostgres } from '#e2e/engines/postgres.ts'
import { type Redis, startRedis } from '#e2e/engines/redis.ts'
import { type DatabaseUser, type ServiceDatabase, serviceDatabase } from '#e2e/engines/service-database.ts'
import { testSettings } from '#e2e/engines/service-settings.ts'
import { complaints, judge } from './oracle.ts'
import { allPages } from './pages.ts'
import { settledIn } from './settled.ts'

interface Stack {
  kafka: Kafka
  postgres: Postgres
  redis: Redis
  database: ServiceDatabase
  start(role: Role): Promise<RoleProcess>
  gatewayUrl: string
}

const userOf: Readonly<Record<Role, DatabaseUser>> = {
  gateway: 'reader',
  writer: 'writer',
  reader: 'reader',
  migrate: 'owner',
  maintain: 'owner',
}

/** Engines of its own, because they are killed; and how to start each role on a fixed port. */
async function stack(): Promise<Stack> {
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
  const base = testSettings(database.store)
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
    gatewayUrl: `http://127.0.0.1:${ports.gateway}`,
    async start(role) {
      const credentials = {
        [credentialFiles.postgresPassword]: database.password(userOf[role]),
        [credentialFiles.redisPassword]: '',
        [credentialFiles.cursorKey]: cursorKey,
      }
      const httpPort = role === 'gateway' || role === 'reader' ? { httpPort: ports[role] } : {}
      const process = await startRole(role, settings, { credentials, ...httpPort })
      onTestFinished(() => process.remove())
      return process
    },
  }
}

const ready = (process: RoleProcess) =>
  settledIn(30_000, async () => expect(await process.readiness(), process.log()).toBe(200))

const batchSize = 100

/** Posts records until all are acknowledged; an attempt without an answer is sent anew and remembered. */
async function post(url: string, texts: readonly string[], progress: (acknowledged: number) => void) {
  const acknowledged = new Map<string, string>()
  const unknown: string[] = []
  for (let from = 0; from < texts.length; ) {
    const batch = texts.slice(from, from + batchSize)
    const ids = await postOnce(url, batch)
    if (ids) {
      ids.forEach((id, index) => void acknowledged.set(id, batch[index] ?? ''))
      from += batch.length
      progress(acknowledged.size)
    } else {
      unknown.push(...batch)
      await delay(100)
    }
  }
  return { acknowledged, unknown }
}

async function postOnce(url: string, batch: readonly string[]): Promise<string[] | undefined> {
  const body = `[${batch.join(',')}]`
  const headers = { 'content-type': 'application/json' }
  const answer = await fetch(`${url}/data`, { method: 'POST', body, headers }).catch(() => undefined)
  if (answer?.status !== 202) return undefined
  const { accepted }: { accepted: { id: string }[] } = JSON.parse(await answer.text())
  return accepted.map(({ id }) => id)
}

const texts = Array.from(
  { length: 10_000 },
  (_, n) => `{"customer":"c${n % 100}","amount":${n}.0e0, "quantity":${n % 9},"paid":${n % 2 === 0}}`,
)

test('all parts are killed once while 10,000 records come in, and the account balances', async () => {
  const world = await stack()
  const migrate = await world.start('migrate')
  expect(await migrate.exitCode, migrate.log()).toBe(0)
  const roles = {
    gateway: await world.start('gateway'),
    writer: await world.start('writer'),
    reader: await world.start('reader'),
  }
  await Promise.all(Object.values(roles).map(ready))

  const restart = async (role: keyof typeof roles) => {
    roles[role].signal('SIGKILL')
    await roles[role].exitCode
    roles[role] = await world.start(role)
  }
  const again = async ({ kill, start }: Pick<Postgres, 'kill' | 'start'>) => {
    await kill('SIGKILL')
    await start()
  }
  const [broker] = world.kafka.brokers
  if (!broker) throw new Error('there is a broker')
  const faults = [
    () => restart('writer'),
    () => again(world.postgres),
    () => restart('gateway'),
    () => again(broker),
    () => again(world.redis),
    () => restart('reader'),
  ]
  const pending = [...faults]
  const running: Promise<void>[] = []
  const { acknowledged, unknown } = await post(world.gatewayUrl, texts, count => {
    if (count < ((faults.length - pending.length + 1) * texts.length) / (faults.length + 1)) return
    const fault = pending.shift()
    if (fault) running.push(fault())
  })
  await Promise.all(running)
  expect(pending).toEqual([])
  expect(acknowledged.size).toBe(texts.length)
  await Promise.all(Object.values(roles).map(ready))

  await settledIn(60_000, async () => {
    const verdict = await judge({ acknowledged, unknown, stored: await rowsOf(world.database) })
    expect(complaints(verdict)).toEqual([])
  })
  const read = await allPages(world.gatewayUrl, '/data?limit=1000')
  const byPages = await judge({ acknowledged, unknown, stored: read })
  expect(complaints(byPages)).toEqual([])
}, 180_000)

async function rowsOf(service: ServiceDatabase) {
  const owner = service.open('owner')
  const { rows } = await owner.query('SELECT id, body FROM records').finally(() => owner.close())
  return rows.map(([id, text]) => ({ id: id ?? '', text: text ?? '' }))
}
