/** The writer against `psql \copy` of the same rows into the same tables, in chunks of the writer's batch size. */
import type { Contest, Size } from './contest.ts'
import { cpuOfEndedChildren, cpuOfTree } from './cpu.ts'
import { fullLog, rows, startEngines } from './full-log.ts'
import { timed } from './measured.ts'
import { copyChunks, psqlVersion } from './psql-copy.ts'
import { complete, freshRound, pidOf, warmUpRows, withEmptyTables } from './writer-round.ts'

/** As the writer's own limit. */
const batchRows = 2_000

export async function writerBench(size: Size, resources: AsyncDisposableStack): Promise<Contest[]> {
  const { brokers, postgres } = await startEngines(resources)
  const { log, records } = await fullLog(brokers, { count: rows[size] })
  const measured = records.slice(warmUpRows)
  const copyFirst = await copyChunks(records.slice(0, warmUpRows), batchRows, resources)
  const copyMeasured = await copyChunks(measured, batchRows, resources)
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
            await copyFirst(service)
            const cpu = () => cpuOfEndedChildren() + cpuOfTree(pidOf(postgres))
            const sample = await timed(cpu, measured.length, () => copyMeasured(service))
            await complete(service, records.length)
            return sample
          }),
      },
    },
  ]
}
