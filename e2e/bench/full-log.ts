/** What the benchmarks of the writer begin with: a log full of records, and a Postgres that writes to the disk. */
import { startKafka } from '#e2e/engines/kafka.ts'
import { type Postgres, startPostgres } from '#e2e/engines/postgres.ts'
import type { Size } from './contest.ts'
import { type Filled, type Filling, filledTopic } from './filled-topic.ts'
import { durable, type LogOf, warmUpRows } from './writer-round.ts'

/** Records of one log. */
export const rows: Readonly<Record<Size, number>> = {
  smoke: warmUpRows + 200_000,
  full: warmUpRows + 1_000_000,
}
const rowBytes = 256

export async function startEngines(
  resources: AsyncDisposableStack,
): Promise<{ brokers: string[]; postgres: Postgres }> {
  const kafka = await startKafka({ brokers: 1 })
  resources.defer(() => kafka.remove())
  const postgres = await startPostgres({ settings: durable })
  resources.defer(() => postgres.remove())
  return { brokers: kafka.bootstrapServers, postgres }
}

/** One partition with so many records; those of a resend have the id of an earlier one. */
export async function fullLog(
  brokers: string[],
  filling: Omit<Filling, 'bytes'>,
): Promise<{ log: LogOf; records: Filled['records'] }> {
  const { topic, records } = await filledTopic(brokers, { ...filling, bytes: rowBytes })
  const distinct = new Set(records.map(({ id }) => id)).size
  return { log: { brokers, topic, records: records.length, distinct }, records }
}
