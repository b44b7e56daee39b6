/** Rows in the table of a service whose ids carry the time, as the writer would have put them there. */
import type { MigratedService } from '#e2e/engines/migrated-database.ts'

export async function insert(
  service: MigratedService,
  rows: readonly { id: string; body: string; key?: string; version?: string }[],
): Promise<void> {
  const owner = service.open('owner')
  for (const { id, body, key = 'k', version = '1a2b3c4d' } of rows) {
    await owner.query({ text: 'SELECT ensure_partition($1)', values: [id] })
    await owner.query({
      text: `INSERT INTO records VALUES ($1, $3, id_time($1), $4, $2)`,
      values: [id, body, key, version],
    })
  }
  await owner.close()
}

/** Moves the stored position of one partition of the log to `nextOffset`. */
export async function storedUpTo(
  service: MigratedService,
  { log, partition, nextOffset }: { log: string; partition: number; nextOffset: bigint },
): Promise<void> {
  const owner = service.open('owner')
  await owner.query({
    text: `INSERT INTO ingest_offsets (topic, partition, cluster_id, next_offset, epoch, claimed_by)
VALUES ($1, $2, $3, $4, 1, 'test') ON CONFLICT (topic, partition) DO UPDATE SET next_offset = excluded.next_offset`,
    values: [service.settings.log.eventsTopic, partition, log, nextOffset],
  })
  await owner.close()
}
