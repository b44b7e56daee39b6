/** What is kept of a stack whose account does not balance, before it goes: enough to find where a record was lost. */
import { createWriteStream } from 'node:fs'
import { cp, mkdtemp, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { createLogReader } from '#dataservice/platform/kafka/log-reader.ts'
import type { Database } from '#dataservice/platform/postgres/database.ts'
import { envelope } from '#dataservice/record/envelope.ts'
import type { RoleStack } from '#e2e/scenarios/open-role-stack.ts'

const tables: Readonly<Record<string, string>> = {
  'positions.txt': 'SELECT ingest_offsets::text FROM ingest_offsets ORDER BY partition',
  'outcomes.txt': 'SELECT outcomes::text FROM outcomes',
  'dead-letters.txt': 'SELECT dead_letters::text FROM dead_letters',
  'records.txt': "SELECT id || ' ' || body::text FROM records ORDER BY id",
}

/** Answers the folder: logs of all processes that were, the tables, and what stands in the log at which place. */
export async function keepEvidence(world: RoleStack, owner: Database): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'dataservice-chaos-'))
  for (const [number, { role, pid, log }] of world.processes.entries())
    await writeFile(join(folder, `${String(number).padStart(4, '0')}-${role}-${pid}.log`), log())
  for (const engine of [...world.kafka.brokers, world.postgres])
    await cp(engine.logFile, join(folder, `engine-${engine.logFile.split('/').at(-1)}`))
  for (const [name, text] of Object.entries(tables)) {
    const { rows } = await owner.query(text)
    await writeFile(join(folder, name), rows.map(([line]) => `${line}\n`).join(''))
  }
  await pipeline(Readable.from(logLines(world)), createWriteStream(join(folder, 'log.txt')))
  return folder
}

/** Partition, offset, event id and record id of each record. */
async function* logLines({ kafka, settings }: RoleStack): AsyncGenerator<string> {
  const { eventsTopic: topic, partitions } = settings.log
  const reader = createLogReader({ brokers: kafka.bootstrapServers, topic, clientId: 'evidence' })
  const signal = AbortSignal.timeout(300_000)
  const { id } = await reader.topic(signal)
  for (let partition = 0; partition < partitions; partition++) {
    const { start, end } = await reader.range(partition, signal)
    for (let at = start; at < end; ) {
      const read = await reader.read(partition, at, { topic: id, maxBytes: 2 ** 20, maxWaitMs: 0, signal })
      if (read.kind !== 'records') throw new Error(`partition ${partition} at ${at}: ${read.kind}`)
      at = read.next
      const of = (headers: { get(name: string): Buffer | undefined }) =>
        `${headers.get(envelope.eventId)} ${headers.get(envelope.subject)}`
      yield read.records.map(({ offset, headers }) => `${partition} ${offset} ${of(headers)}\n`).join('')
    }
  }
  await reader.close()
}
