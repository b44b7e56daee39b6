/** The writer against `psql \copy` of the same rows into the same tables, in chunks of the writer's batch size. */
import type { Contest, Size } from './contest.ts'
import { cpuOfTree } from './cpu.ts'
import { fullLog, rows, startEngines } from './full-log.ts'
import { copyChunks, psqlVersion } from './psql-copy.ts'
import { complete, freshRound, pidOf, withEmptyTables } from './writer-round.ts'

/** As the writer's own limit. */
const batchRows = 2_000

export async function writerBench(size: Size, resources: AsyncDisposableStack): Promise<Contest[]> {
  const { brokers, postgres } = await startEngines(resources)
  const { log, records } = await fullLog(brokers, { count: rows[size] })
  const chunks = await copyChunks(records, batchRows)
  resources.defer(() => chunks.remove())
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
