/** The writer against `psql \copy` of the same rows into the same tables, in chunks of the writer's batch size. */
import { startKafka } from '#e2e/engines/kafka.ts'
import { startPostgres } from '#e2e/engines/postgres.ts'
import type { Contest, Size } from './contest.ts'
import { cpuOfTree } from './cpu.ts'
import { filledTopic } from './filled-topic.ts'
import { copyChunks, psqlVersion } from './psql-copy.ts'
import { complete, durable, freshRound, pidOf, withEmptyTables } from './writer-round.ts'

export const rows: Readonly<Record<Size, number>> = { smoke: 200_000, full: 1_000_000 }
export const rowBytes = 256
/** As the writer's own limit. */
const batchRows = 2_000

export async function writerBench(size: Size, resources: AsyncDisposableStack): Promise<Contest[]> {
  const kafka = await startKafka({ brokers: 1 })
  resources.defer(() => kafka.remove())
  const postgres = await startPostgres({ settings: durable })
  resources.defer(() => postgres.remove())
  const brokers = kafka.bootstrapServers
  const { topic, records } = await filledTopic(brokers, { count: rows[size], bytes: rowBytes })
  const chunks = await copyChunks(records, batchRows)
  resources.defer(() => chunks.remove())
  const log = { brokers, topic, records: records.length, distinct: records.length }
  return [
    {
      name: 'writer',
      metric: 'CPU µs of client and Postgres for each row',
      gate: 0.6,
      ours: { version: 'writer', round: () => freshRound(postgres, log) },
      peer: {
        version: `${await psqlVersion()} \\copy of ${batchRows} rows`,
        round: () =>
          withEmptyTables(postgres, async service => {
            const pid = pidOf(postgres)
            const before = cpuOfTree(pid)
            const client = await chunks.copyInto(service)
            const cpuSeconds = client.cpuSeconds + cpuOfTree(pid) - before
            await complete(service, records.length)
            return { operations: records.length, cpuSeconds, wallSeconds: client.wallSeconds }
          }),
      },
    },
  ]
}
