/** Rows in the tables of a service, as the writer would have put them there. */
import type { MigratedService } from '#e2e/engines/migrated-database.ts'
import { uuid7At } from '#e2e/engines/records.ts'

/** Where ids carry the time. */
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

export interface Change {
  id: string
  version: number
  /** Absent: it is deleted. */
  body?: string
}

/** Where records change: the record and its history. Answers the id of the event. */
export async function putVersion(service: MigratedService, { id, version, body }: Change): Promise<string> {
  const owner = service.open('owner')
  const event = uuid7At(Date.now())
  const command = body === undefined ? 'delete' : 'replace'
  await owner.query({
    text: `INSERT INTO events VALUES ($1, $2, $3, now(), 'v1', $4, $5)`,
    values: [event, id, command, version, body ?? null],
  })
  await owner.query({
    text: `INSERT INTO records VALUES ($1, $1, now(), 'v1', $2, $3, now(), $4)
ON CONFLICT (id) DO UPDATE SET body = excluded.body, version = excluded.version`,
    values: [id, body ?? null, version, event],
  })
  await owner.close()
  return event
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
