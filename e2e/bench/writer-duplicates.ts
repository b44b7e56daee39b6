/** The writer on a log where one record of a hundred was sent before, against one where none was. */
import { startKafka } from '#e2e/engines/kafka.ts'
import { startPostgres } from '#e2e/engines/postgres.ts'
import type { Contender, Contest, Size } from './contest.ts'
import { filledTopic } from './filled-topic.ts'
import { rowBytes, rows } from './writer.ts'
import { durable, freshRound } from './writer-round.ts'

export async function writerDuplicatesBench(size: Size, resources: AsyncDisposableStack): Promise<Contest[]> {
  const kafka = await startKafka({ brokers: 1 })
  resources.defer(() => kafka.remove())
  const postgres = await startPostgres({ settings: durable })
  resources.defer(() => postgres.remove())
  const brokers = kafka.bootstrapServers
  const contender = async (version: string, withResends: boolean): Promise<Contender> => {
    const filling = { count: rows[size], bytes: rowBytes, withResends }
    const { topic, records } = await filledTopic(brokers, filling)
    const distinct = new Set(records.map(({ id }) => id)).size
    const log = { brokers, topic, records: records.length, distinct }
    return { version, round: () => freshRound(postgres, log) }
  }
  return [
    {
      name: 'writer-duplicates',
      metric: 'CPU µs of writer and Postgres for each record of the log',
      gate: 0.6,
      ours: await contender('1 % resends', true),
      peer: await contender('the same writer without resends', false),
    },
  ]
}
