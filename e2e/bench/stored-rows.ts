/** Many rows in the table of a service, made by Postgres itself: in turns of two customers, over the last day. */
import type { MigratedService } from '#e2e/engines/migrated-database.ts'

const body = `('{"customer":"c' || n % 2 || '","amount":' || n || ',"note":"' || repeat('n', 60) || '"}')::json`
const moment = `now() - interval '1 day' * ($1::int - n) / $1::int`
const common = `'c' || n % 2, ${moment}, '1a2b3c4d', ${body}`

const inserts: Readonly<Record<MigratedService['settings']['partitioning']['by'], readonly string[]>> = {
  Time: [
    `SELECT ensure_partition(lowest_id(now() - interval '1 day')) WHERE $1::int > 0`,
    // The version and the variant of a UUIDv7 stand at fixed places.
    `INSERT INTO records (id, key, accepted_at, schema_version, body)
SELECT overlay(overlay(lowest_id(${moment})::text placing '7' from 15) placing 'b' from 20)::uuid, ${common}
FROM generate_series(1, $1::int) AS n`,
  ],
  Hash: [
    `INSERT INTO records (id, key, accepted_at, schema_version, body, event_id, body_hash)
SELECT 'record-' || n, ${common}, gen_random_uuid(), '\\x00' FROM generate_series(1, $1::int) AS n`,
  ],
}

/** At most one row for each millisecond of a day. */
export async function fill(service: MigratedService, rows: number): Promise<void> {
  const owner = service.open('owner')
  try {
    for (const text of inserts[service.settings.partitioning.by]) await owner.query({ text, values: [rows] })
    await owner.query('VACUUM ANALYZE records')
  } finally {
    await owner.close()
  }
}

/** Ids of the newest rows. */
export async function newestIds(service: MigratedService, count: number): Promise<string[]> {
  const owner = service.open('owner')
  try {
    const text = 'SELECT id FROM records ORDER BY id DESC LIMIT $1'
    const { rows } = await owner.query({ text, values: [count] })
    return rows.flatMap(([id]) => id ?? [])
  } finally {
    await owner.close()
  }
}
