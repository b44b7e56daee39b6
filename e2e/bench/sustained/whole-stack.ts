/** The whole stack as processes of this machine, each role once, without limits of CPU. */
import type { Role } from '#dataservice/contract/names.ts'
import { connectTopics } from '#dataservice/platform/kafka/testing/topics.ts'
import type { Database } from '#dataservice/platform/postgres/database.ts'
import { openRoleStack, ready } from '#e2e/scenarios/open-role-stack.ts'
import { cpuOfTree, memoryOfTree } from '../cpu.ts'

export type Part = 'gateway' | 'Kafka' | 'writer' | 'Postgres' | 'reader' | 'Redis'

export interface WholeStack {
  gatewayPort: number
  /** CPU seconds so far. */
  cpu(): Record<Part, number>
  /** Bytes; what processes share counts once. */
  memory(): Record<Part, number>
  /** Records in the log that are not stored. */
  lag(): Promise<number>
  /** Rows of a load (`Load.name`), and how many different numbers they have. */
  stored(name: string): Promise<{ rows: number; different: number }>
}

/** As a service has by default. */
const partitions = 6
/** As in production: a commit is on the disk. */
const durable = { fsync: 'on', full_page_writes: 'on', max_wal_size: '4GB' }

export async function startWholeStack(resources: AsyncDisposableStack): Promise<WholeStack> {
  const stack = await openRoleStack(resources, { partitions, postgres: { settings: durable } })
  const { kafka, postgres, redis, settings, start } = stack
  const migration = await start('migrate')
  if ((await migration.exitCode) !== 0) throw new Error(`the migration failed\n${migration.log()}`)
  const readyPid = async (role: Role) => {
    const started = await start(role)
    await ready(started)
    return started.pid
  }
  const [reader, writer, gateway] = await Promise.all([
    readyPid('reader'),
    readyPid('writer'),
    readyPid('gateway'),
  ])
  const topics = resources.adopt(await connectTopics(kafka.bootstrapServers), each => each.close())
  const database = resources.adopt(stack.database.open('owner'), each => each.close())
  const engines = { Kafka: kafka.brokers[0]?.pid, Postgres: postgres.pid, Redis: redis.pid }
  const pids = { gateway, writer, reader, ...engines }
  return {
    gatewayPort: Number(new URL(stack.gatewayUrl).port),
    cpu: () => ofEachPart(pids, cpuOfTree),
    memory: () => ofEachPart(pids, memoryOfTree),
    lag: async () => {
      const before = await passed(database)
      const held = await topics.counts(settings.log.eventsTopic)
      return held.reduce((sum, count) => sum + count, 0) - before
    },
    stored: name => storedOf(database, name),
  }
}

type Pids = Readonly<Record<Part, number | undefined>>

function ofEachPart(pids: Pids, read: (pid: number) => number): Record<Part, number> {
  const of = (part: Part): number => {
    const pid = pids[part]
    if (pid === undefined) throw new Error(`${part} ended`)
    return read(pid)
  }
  const [gateway, writer, reader] = [of('gateway'), of('writer'), of('reader')]
  return { gateway, Kafka: of('Kafka'), writer, Postgres: of('Postgres'), reader, Redis: of('Redis') }
}

/** Records that the writer has passed. */
async function passed(database: Database): Promise<number> {
  const { rows } = await database.query('SELECT sum(next_offset) FROM ingest_offsets')
  return Number(rows[0]?.[0] ?? 0)
}

async function storedOf(database: Database, name: string): Promise<{ rows: number; different: number }> {
  const text = `SELECT count(*), count(DISTINCT body->>'note') FROM records WHERE starts_with(body->>'note', $1)`
  const { rows } = await database.query({ text, values: [`${name}-`] })
  const [row, different] = (rows[0] ?? []).map(Number)
  return { rows: row ?? 0, different: different ?? 0 }
}
