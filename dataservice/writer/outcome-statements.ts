/** The SQL of what is not stored as it was sent; only batches with such a record send it. */
import { createHash } from 'node:crypto'
import type { LogRecord } from '#dataservice/platform/kafka/port.ts'
import type { Statement } from '#dataservice/platform/postgres/session.ts'
import { maxIdCharacters } from '#dataservice/record/natural-id.ts'
import { eventIdOf, recordIdOf, storableText } from './decode.ts'
import type { RowOutcome } from './outcomes.ts'
import type { Place } from './statements.ts'

/** One row for each place in the log; when it is decided again, or the log is another one, the last decision counts. */
export function outcomesStatement({ topic, partition }: Place, outcomes: readonly RowOutcome[]): Statement {
  const rows = outcomes.map(({ row: { eventId, offset, record }, outcome, winner, reason }) => ({
    log_offset: String(offset),
    event_id: storableText(eventId),
    record_id: indexable(recordIdOf(record)),
    record_key: indexable(record.key?.toString()),
    outcome,
    winner,
    reason,
  }))
  return {
    text: `INSERT INTO outcomes (topic, partition, log_offset, event_id, record_id, record_key, outcome, winner, reason)
SELECT $1, $2::integer, log_offset, event_id, record_id, record_key, outcome, winner, reason
FROM json_to_recordset($3::json) AS t(log_offset bigint, event_id text, record_id text, record_key text,
  outcome text, winner text, reason text)
ON CONFLICT (topic, partition, log_offset) DO UPDATE SET event_id = excluded.event_id, record_id = excluded.record_id,
  record_key = excluded.record_key, outcome = excluded.outcome, winner = excluded.winner, reason = excluded.reason,
  decided_at = excluded.decided_at`,
    values: [topic, partition, JSON.stringify(rows)],
  }
}

/** A text that fits an index: ids and keys of ours are no longer. */
function indexable(text: string | undefined): string {
  const storable = storableText(text) ?? ''
  return Buffer.byteLength(storable) > 4 * maxIdCharacters ? '' : storable
}

/**
 * The whole record with its place and what is wrong with it; a replay leaves the row that stands. `blocks`: later records
 * of its key wait for it.
 */
export function deadLettersStatement(
  { topic, partition }: Place,
  refused: readonly RowOutcome[],
  blocks: boolean,
): Statement {
  const rows = refused.map(({ row: { offset, record }, sqlState, reason }) => ({
    log_offset: String(offset),
    event_id: storableText(eventIdOf(record)),
    record_id: storableText(recordIdOf(record)),
    key: record.key?.toString('hex'),
    // As text in the text: Postgres would not read a name with U+0000 otherwise.
    headers: JSON.stringify(headersJson(record)),
    value: record.value?.toString('hex'),
    sql_state: sqlState,
    reason: reason ?? 'refused',
    content_hash: contentHash(record),
    blocks: blocks && record.key !== undefined,
  }))
  return {
    text: `INSERT INTO dead_letters
  (topic, partition, log_offset, event_id, record_id, key, headers, value, sql_state, reason, content_hash, blocks)
SELECT $1, $2::integer, log_offset, event_id, record_id, decode(key, 'hex'), headers::json, decode(value, 'hex'), sql_state, reason,
  decode(content_hash, 'hex'), blocks
FROM json_to_recordset($3::json) AS t(log_offset bigint, event_id text, record_id text, key text, headers text, value text,
  sql_state text, reason text, content_hash text, blocks boolean)
ON CONFLICT DO NOTHING`,
    values: [topic, partition, JSON.stringify(rows)],
  }
}

/** Names to values in base64: a header may hold any bytes. */
export function headersJson({ headers }: LogRecord): Record<string, string> {
  return Object.fromEntries([...headers.entries()].map(([name, value]) => [name, value.toString('base64')]))
}

/** Tells two records at one place of two logs apart; in hex. */
export function contentHash(record: LogRecord): string {
  const parts = [record.key?.toString('hex'), headersJson(record), record.value?.toString('hex')]
  return createHash('sha256').update(JSON.stringify(parts)).digest('hex')
}
