/** The writer on a log where one record of a hundred was sent before, against one where none was. */
import type { Contender, Contest, Size } from './contest.ts'
import { fullLog, rows, startEngines } from './full-log.ts'
import { freshRound } from './writer-round.ts'

export async function writerDuplicatesBench(size: Size, resources: AsyncDisposableStack): Promise<Contest[]> {
  const { brokers, postgres } = await startEngines(resources)
  const contender = async (version: string, withResends: boolean): Promise<Contender> => {
    const { log } = await fullLog(brokers, { count: rows[size], withResends })
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
