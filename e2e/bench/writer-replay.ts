/** The writer on a log whose records stand in the table already, against the same log and an empty table. */
import type { MigratedService } from '#e2e/engines/migrated-database.ts'
import type { Postgres } from '#e2e/engines/postgres.ts'
import type { Contest, Sample, Size } from './contest.ts'
import { fullLog, rows, startEngines } from './full-log.ts'
import { complete, exampleTables, freshRound, type LogOf, one, storeLog, warmUpRows } from './writer-round.ts'

export async function writerReplayBench(size: Size, resources: AsyncDisposableStack): Promise<Contest[]> {
  const { brokers, postgres } = await startEngines(resources)
  const { log } = await fullLog(brokers, { count: rows[size] })
  const service = await exampleTables(postgres)
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
  const sample = await storeLog(postgres, service, log, warmUpRows)
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
