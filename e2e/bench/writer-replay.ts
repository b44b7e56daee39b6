/** The writer on a log whose records stand in the table already, against the same log and an empty table. */
import { startKafka } from '#e2e/engines/kafka.ts'
import { type MigratedService, migratedService } from '#e2e/engines/migrated-database.ts'
import { type Postgres, startPostgres } from '#e2e/engines/postgres.ts'
import type { Contest, Sample, Size } from './contest.ts'
import { filledTopic } from './filled-topic.ts'
import { rowBytes, rows } from './writer.ts'
import { complete, durable, freshRound, type LogOf, one, storeLog } from './writer-round.ts'

export async function writerReplayBench(size: Size, resources: AsyncDisposableStack): Promise<Contest[]> {
  const kafka = await startKafka({ brokers: 1 })
  resources.defer(() => kafka.remove())
  const postgres = await startPostgres({ settings: durable })
  resources.defer(() => postgres.remove())
  const brokers = kafka.bootstrapServers
  const { topic, records } = await filledTopic(brokers, { count: rows[size], bytes: rowBytes })
  const log = { brokers, topic, records: records.length, distinct: records.length }
  const service = await migratedService(postgres.address)
  await storeLog(postgres, service, log)
  await complete(service, log.distinct)
  return [
    {
      name: 'writer-replay',
      metric: 'CPU µs of writer and Postgres for each record of the log',
      gate: 0.4,
      ours: { version: 'from offset 0 again', round: () => replayRound(postgres, service, log) },
      peer: { version: 'the same writer on an empty table', round: () => freshRound(postgres, log) },
    },
  ]
}

/** Counts only when every row is the very version that was written the first time. */
async function replayRound(postgres: Postgres, service: MigratedService, log: LogOf): Promise<Sample> {
  const before = await fingerprint(service)
  await one(service, 'UPDATE ingest_offsets SET next_offset = 0, last_id = NULL')
  const sample = await storeLog(postgres, service, log)
  const after = await fingerprint(service)
  if (after !== before) throw new Error(`the rows changed from ${before} to ${after} (number, sum of hashes)`)
  return sample
}

/** Of all rows with the transactions that wrote them. */
const fingerprint = (service: MigratedService): Promise<string> =>
  one(
    service,
    `SELECT count(*) || ', ' || sum(hashtextextended(concat_ws(' ', xmin, id, key, accepted_at, body), 0)) FROM records`,
  )
