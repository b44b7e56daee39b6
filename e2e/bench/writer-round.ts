/** One round of a writer: a whole topic into the tables of a service. */
import { randomBytes } from 'node:crypto'
import { credentialFiles } from '#dataservice/contract/names.ts'
import type { Database } from '#dataservice/platform/postgres/database.ts'
import { startRole } from '#dataservice/testing/role-process.ts'
import { type MigratedService, migratedService } from '#e2e/engines/migrated-database.ts'
import type { Postgres } from '#e2e/engines/postgres.ts'
import { openAsSuperuser } from './administrator.ts'
import type { Sample } from './contest.ts'
import { cpuOf, cpuOfTree } from './cpu.ts'
import { timed } from './measured.ts'
import { aliveFor, ready } from './ready.ts'
import { orders } from './records.ts'

/** As in production: a commit is on the disk. */
export const durable = { fsync: 'on', full_page_writes: 'on', max_wal_size: '4GB' }

/**
 * Rows before the measured ones: a writer runs for weeks, and for its first seconds V8 still compiles it, which costs as
 * much for each row as storing it.
 */
export const warmUpRows = 200_000

/** Of one round; a million rows take half a minute. */
const limitMs = 300_000

export interface LogOf {
  brokers: string[]
  /** With one partition. */
  topic: string
  /** Records in the log. */
  records: number
  /** Records with an id of their own. */
  distinct: number
}

/** A writer on an empty database, which goes afterwards; measured from row `warmUpRows` on. */
export async function freshRound(postgres: Postgres, log: LogOf): Promise<Sample> {
  return withEmptyTables(postgres, async service => {
    const sample = await storeLog(postgres, service, log, warmUpRows)
    await complete(service, log.distinct)
    return sample
  })
}

/** Two indexes of one field each, as the README's example declares them: what an index costs is Postgres's, for everybody. */
export const exampleTables = (postgres: Postgres): Promise<MigratedService> =>
  migratedService(postgres.address, {
    record: { ...orders, indexes: [{ fields: ['/customer'] }, { fields: ['/address/city'] }] },
  })

/** Tables that nobody has used, for as long as `work` takes: what one round leaves must not be a load for the next. */
export async function withEmptyTables<T>(
  postgres: Postgres,
  work: (service: MigratedService) => Promise<T>,
): Promise<T> {
  const service = await exampleTables(postgres)
  try {
    return await work(service)
  } finally {
    const superuser = openAsSuperuser(postgres)
    await superuser.query(`DROP DATABASE ${service.store.database} WITH (FORCE)`)
    await superuser.close()
  }
}

/** Measured from when the writer is ready and has passed so many records, until the last one is passed. */
export async function storeLog(
  postgres: Postgres,
  service: MigratedService,
  { brokers, topic, records }: LogOf,
  warmUp = 0,
): Promise<Sample> {
  const { log } = service.settings
  const group = `bench-${randomBytes(6).toString('hex')}`
  const settings = { ...service.settings, log: { ...log, brokers, eventsTopic: topic, group, partitions: 1 } }
  const credentials = { [credentialFiles.postgresPassword]: service.password('writer') }
  await using cleanUp = new AsyncDisposableStack()
  const database = service.open('owner')
  cleanUp.defer(() => database.close())
  const writer = await startRole('writer', settings, { credentials })
  cleanUp.defer(() => writer.remove())
  const cpu = () => cpuOf(writer.pid) + cpuOfTree(pidOf(postgres))
  await ready(writer)
  const until = performance.now() + limitMs
  const hasPassed = async (count: number): Promise<number> => {
    for (;;) {
      const found = await passed(database, topic)
      if (found >= count) return found
      if (performance.now() > until) throw new Error(`the writer is not done: ${writer.log().slice(-2_000)}`)
      await aliveFor(writer, 50)
    }
  }
  const operations = records - (await hasPassed(warmUp))
  const sample = await timed(cpu, operations, async () => void (await hasPassed(records)))
  writer.signal('SIGTERM')
  await writer.exitCode
  return sample
}

async function passed(database: Database, topic: string): Promise<number> {
  const text = 'SELECT sum(next_offset) FROM ingest_offsets WHERE topic = $1'
  return Number((await database.query({ name: 'passed', text, values: [topic] })).rows[0]?.[0] ?? 0)
}

/** What is fast but wrong does not count. */
export async function complete(service: MigratedService, wanted: number): Promise<void> {
  const found = await one(service, 'SELECT count(*) FROM records')
  if (Number(found) !== wanted) throw new Error(`${found} rows stand where ${wanted} should`)
}

/** The only cell of an answer. */
export async function one(service: MigratedService, text: string): Promise<string> {
  const database = service.open('owner')
  const { rows } = await database.query(text).finally(() => database.close())
  return rows[0]?.[0] ?? ''
}

export function pidOf(postgres: Postgres): number {
  if (postgres.pid === undefined) throw new Error('Postgres ended')
  return postgres.pid
}
