/** The writer against `psql \copy` of the same rows into the same tables, in chunks of the writer's batch size. */
import { randomBytes } from 'node:crypto'
import { credentialFiles } from '#dataservice/contract/names.ts'
import { startRole } from '#dataservice/testing/role-process.ts'
import { startKafka } from '#e2e/engines/kafka.ts'
import { type MigratedService, migratedService } from '#e2e/engines/migrated-database.ts'
import { type Postgres, startPostgres } from '#e2e/engines/postgres.ts'
import type { Contest, Sample, Size } from './contest.ts'
import { cpuOf, cpuOfTree } from './cpu.ts'
import { type Filled, filledTopic } from './filled-topic.ts'
import { copyChunks, psqlVersion } from './psql-copy.ts'
import { aliveFor, ready } from './ready.ts'

const rows: Readonly<Record<Size, number>> = { smoke: 200_000, full: 1_000_000 }
const rowBytes = 256
/** As the writer's own limit. */
const batchRows = 2_000
/** As in production: a commit is on the disk. */
const durable = { fsync: 'on', full_page_writes: 'on', max_wal_size: '4GB' }

export async function writerBench(size: Size, resources: AsyncDisposableStack): Promise<Contest[]> {
  const kafka = await startKafka({ brokers: 1 })
  resources.defer(() => kafka.remove())
  const postgres = await startPostgres({ settings: durable })
  resources.defer(() => postgres.remove())
  const filled = await filledTopic(kafka.bootstrapServers, rows[size], rowBytes)
  const chunks = await copyChunks(filled.records, batchRows)
  resources.defer(() => chunks.remove())
  return [
    {
      name: 'writer',
      metric: 'CPU µs of client and Postgres for each row',
      gate: 0.6,
      ours: { version: 'writer', round: () => writerRound(postgres, kafka.bootstrapServers, filled) },
      peer: {
        version: `${await psqlVersion()} \\copy of ${batchRows} rows`,
        round: async () => {
          const service = await migratedService(postgres.address)
          const pid = pidOf(postgres)
          const before = cpuOfTree(pid)
          const client = await chunks.copyInto(service)
          const cpuSeconds = client.cpuSeconds + cpuOfTree(pid) - before
          await complete(service, filled.records.length)
          return { operations: filled.records.length, cpuSeconds, wallSeconds: client.wallSeconds }
        },
      },
    },
  ]
}

/** A writer on an empty database, measured from when it is ready until the last row is committed. */
async function writerRound(
  postgres: Postgres,
  brokers: string[],
  { topic, records }: Filled,
): Promise<Sample> {
  const service = await migratedService(postgres.address)
  const { log } = service.settings
  const group = `bench-${randomBytes(6).toString('hex')}`
  const settings = { ...service.settings, log: { ...log, brokers, eventsTopic: topic, group, partitions: 1 } }
  const credentials = { [credentialFiles.postgresPassword]: service.password('writer') }
  const database = service.open('owner')
  const stored = async () =>
    Number(
      (await database.query({ name: 'sum', text: 'SELECT sum(next_offset) FROM ingest_offsets', values: [] }))
        .rows[0]?.[0] ?? 0,
    )
  await using cleanUp = new AsyncDisposableStack()
  cleanUp.defer(() => database.close())
  const writer = await startRole('writer', settings, { credentials })
  cleanUp.defer(() => writer.remove())
  const cpu = () => cpuOf(writer.pid) + cpuOfTree(pidOf(postgres))
  await ready(writer)
  const from = { rows: await stored(), cpu: cpu(), at: performance.now() }
  while ((await stored()) < records.length) await aliveFor(writer, 50)
  const sample = {
    operations: records.length - from.rows,
    cpuSeconds: cpu() - from.cpu,
    wallSeconds: (performance.now() - from.at) / 1000,
  }
  writer.signal('SIGTERM')
  await writer.exitCode
  await complete(service, records.length)
  return sample
}

/** What is fast but wrong does not count. */
async function complete(service: MigratedService, wanted: number): Promise<void> {
  const database = service.open('owner')
  const { rows: found } = await database.query({
    name: 'count',
    text: 'SELECT count(*) FROM records',
    values: [],
  })
  await database.close()
  if (Number(found[0]?.[0]) !== wanted) throw new Error(`${found[0]?.[0]} rows stand where ${wanted} should`)
}

function pidOf(postgres: Postgres): number {
  if (postgres.pid === undefined) throw new Error('Postgres ended')
  return postgres.pid
}
