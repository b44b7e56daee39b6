/** The SQL of changing records; text and parameters only. */
import { arrayBytes } from '#dataservice/platform/postgres/binary.ts'
import type { Statement } from '#dataservice/platform/postgres/session.ts'
import { storableText } from '../decode.ts'
import type { Changed } from './decide.ts'

const texts = (values: readonly string[]): Buffer =>
  arrayBytes(
    'text',
    values.map(value => Buffer.from(value)),
  )

/**
 * Id, version, time of creation, whether it lives and in which schema version, of every record of these ids; where the
 * body is wanted its bytes, and the body itself up to a size.
 */
export function statesStatement(
  ids: readonly string[],
  { of: wanted, upTo }: { of: readonly string[]; upTo: number },
): Statement {
  return {
    text: `SELECT id, version, accepted_at, body IS NOT NULL, schema_version,
  CASE WHEN id = ANY($2::text[]) THEN octet_length(body::text) END,
  CASE WHEN id = ANY($2::text[]) AND octet_length(body::text) <= $3::int THEN body END
FROM records WHERE id = ANY($1::text[])`,
    values: [texts(ids), texts(wanted), upTo],
  }
}

export function bodiesStatement(ids: readonly string[]): Statement {
  return { text: 'SELECT id, body FROM records WHERE id = ANY($1::text[])', values: [texts(ids)] }
}

/** Id, outcome and reason of what was decided before; `ids`: UUIDs. The bounds keep all other partitions out of it. */
export function knownStatement(ids: readonly string[]): Statement {
  const sorted = ids.toSorted()
  return {
    text: 'SELECT id, outcome, reason FROM events WHERE id BETWEEN $2::uuid AND $3::uuid AND id = ANY($1::uuid[])',
    values: [`{${ids.join(',')}}`, sorted[0] ?? null, sorted.at(-1) ?? null],
  }
}

/** A row of `events`; empty texts are NULL there. */
export interface EventRow {
  id: string
  recordId: string
  command: string
  acceptedAt: string
  schemaVersion: string
  /** 0: it changed nothing. */
  version: bigint
  body: string
  outcome: string
  reason: string
}

/** Fails when one of them stands there: it was decided before, or is decided elsewhere at this moment. */
export function eventsStatement(rows: readonly EventRow[], partition: number): Statement {
  const column = (of: (row: EventRow) => string): Buffer => texts(rows.map(of))
  return {
    name: 'events',
    text: `INSERT INTO events (id, record_id, command, accepted_at, schema_version, version, body, outcome, reason,
  partition)
SELECT id::uuid, record_id, command, accepted_at::timestamptz, schema_version, nullif(version, '0')::bigint,
  nullif(body, '')::json, nullif(outcome, ''), nullif(reason, ''), $10::int
FROM unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::text[], $6::text[], $7::text[], $8::text[], $9::text[])
  AS t(id, record_id, command, accepted_at, schema_version, version, body, outcome, reason)`,
    values: [
      column(({ id }) => id),
      column(({ recordId }) => storableText(recordId) ?? ''),
      column(({ command }) => command),
      column(({ acceptedAt }) => acceptedAt),
      column(({ schemaVersion }) => storableText(schemaVersion) ?? ''),
      column(({ version }) => String(version)),
      column(({ body }) => body),
      column(({ outcome }) => outcome),
      column(({ reason }) => storableText(reason) ?? ''),
      partition,
    ],
  }
}

/** What a record is from now on. */
export interface StateRow extends Omit<Changed, 'row'> {
  id: string
  eventId: string
  changedAt: string
  schemaVersion: string
}

export function upsertStatement(rows: readonly StateRow[]): Statement {
  const column = (of: (row: StateRow) => string): Buffer => texts(rows.map(of))
  return {
    name: 'upsert',
    text: `INSERT INTO records (id, key, accepted_at, schema_version, body, version, changed_at, event_id)
SELECT id, id, accepted_at::timestamptz, schema_version, nullif(body, '')::json, version::bigint,
  changed_at::timestamptz, event_id::uuid
FROM unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::text[], $6::text[], $7::text[])
  AS t(id, accepted_at, schema_version, body, version, changed_at, event_id)
ON CONFLICT (id) DO UPDATE SET accepted_at = excluded.accepted_at, schema_version = excluded.schema_version,
  body = excluded.body, version = excluded.version, changed_at = excluded.changed_at, event_id = excluded.event_id`,
    values: [
      column(({ id }) => id),
      column(({ acceptedAt }) => acceptedAt),
      column(({ schemaVersion }) => schemaVersion),
      column(({ body }) => body ?? ''),
      column(({ version }) => String(version)),
      column(({ changedAt }) => changedAt),
      column(({ eventId }) => eventId),
    ],
  }
}
