/** The table `held`, and the dead letters that keep its records there. */
import type { LogRecord } from '#dataservice/platform/kafka/port.ts'
import type { Database } from '#dataservice/platform/postgres/database.ts'
import type { Row, Statement } from '#dataservice/platform/postgres/session.ts'
import type { LogRow } from './decode.ts'
import { contentHash, headersJson } from './outcome-statements.ts'
import type { Place } from './statements.ts'

export interface HeldRecord {
  /** Its number in the table. */
  number: string
  record: LogRecord
}

/** Every rejection is a `DatabaseFailure`. Keys as `keyOf` tells them. */
export interface HeldStore {
  /** Keys of a partition that a dead letter blocks, or that still have records which wait. */
  heldKeys(place: Place): Promise<Set<string>>
  /** Those that a dead letter blocks, once no earlier transaction of the partition is open. */
  blockedKeys(place: Place): Promise<ReadonlySet<string>>
  /** The first records of a key that wait, in log order, within a few megabytes; at least one if there is one. */
  heldRecords(place: Place, key: string): Promise<readonly HeldRecord[]>
  /** No dead letter of the partition blocks any more. */
  unblock(place: Place): Promise<void>
}

const maxRecords = 1_000
const maxBytes = 2 * 1024 * 1024

const blocked = `SELECT encode(sha256(key), 'hex') FROM dead_letters WHERE topic = $1 AND partition = $2 AND blocks`
/** From key to key of the index: however many records of one wait, they are passed over. */
const nextKey = (after: string) => `(SELECT key_hash FROM held WHERE topic = $1 AND partition = $2 ${after}
  ORDER BY key_hash LIMIT 1)`
const waiting = `WITH RECURSIVE keys AS (
  SELECT ${nextKey('')} AS key_hash
  UNION ALL SELECT ${nextKey('AND key_hash > keys.key_hash')} FROM keys WHERE key_hash IS NOT NULL
) SELECT encode(key_hash, 'hex') FROM keys WHERE key_hash IS NOT NULL`

export function heldStore(database: Pick<Database, 'query'>): HeldStore {
  const keys = async (text: string, { topic, partition }: Place) => {
    const { rows } = await database.query({ text, values: [topic, partition] })
    return new Set(rows.flatMap(([key]) => key ?? []))
  }
  return {
    heldKeys: place => keys(`${waiting} UNION ${blocked}`, place),
    async blockedKeys(place) {
      // A COMMIT without an answer may still be under way: it has this row.
      await keys('SELECT FROM ingest_offsets WHERE topic = $1 AND partition = $2 FOR UPDATE', place)
      return keys(blocked, place)
    },
    async heldRecords({ topic, partition }, key) {
      const { rows } = await database.query({ text: recordsText, values: [topic, partition, key] })
      return rows.map(heldRecord)
    },
    async unblock({ topic, partition }) {
      await database.query({
        text: 'UPDATE dead_letters SET blocks = false WHERE topic = $1 AND partition = $2 AND blocks',
        values: [topic, partition],
      })
    },
  }
}

/** Two logs may have had the same offset: one record after the other. */
const recordsText = `SELECT id, log_offset, encode(key, 'hex'), headers, encode(value, 'hex') FROM (
SELECT *, sum(bytes) OVER (ORDER BY log_offset) - bytes AS bytes_before FROM (
  SELECT DISTINCT ON (log_offset) *,
    octet_length(key) + octet_length(headers::text) + coalesce(octet_length(value), 0) AS bytes
  FROM held WHERE topic = $1 AND partition = $2 AND key_hash = decode($3, 'hex')
  ORDER BY log_offset, id LIMIT ${maxRecords}) AS oldest) AS sized WHERE bytes_before < ${maxBytes} ORDER BY log_offset`

function heldRecord([number, offset, key, headers, value]: Row): HeldRecord {
  const own: Record<string, string> = JSON.parse(headers ?? '{}')
  return {
    number: number ?? '',
    record: {
      offset: BigInt(offset ?? 0),
      key: Buffer.from(key ?? '', 'hex'),
      value: typeof value === 'string' ? Buffer.from(value, 'hex') : undefined,
      headers: new Map(Object.entries(own).map(([name, text]) => [name, Buffer.from(text, 'base64')])),
      timestamp: 0,
    },
  }
}

/** Puts records aside, all of which have a key; one that stands there already stays. */
export function heldStatement({ topic, partition }: Place, held: readonly LogRow[]): Statement {
  const rows = held.map(({ offset, record }) => ({
    log_offset: String(offset),
    key: record.key?.toString('hex'),
    headers: JSON.stringify(headersJson(record)),
    value: record.value?.toString('hex'),
    content_hash: contentHash(record),
  }))
  return {
    text: `INSERT INTO held (topic, partition, log_offset, key, key_hash, headers, value, content_hash)
SELECT $1, $2::integer, log_offset, decode(key, 'hex'), sha256(decode(key, 'hex')), headers::json, decode(value, 'hex'),
  decode(content_hash, 'hex')
FROM json_to_recordset($3::json) AS t(log_offset bigint, key text, headers text, value text, content_hash text)
ON CONFLICT DO NOTHING`,
    values: [topic, partition, JSON.stringify(rows)],
  }
}

/** Takes records out that are decided, with what was told of them until now. */
export function takeOutStatement(numbers: readonly string[]): Statement {
  return {
    text: `WITH gone AS (DELETE FROM held WHERE id = ANY($1::bigint[]) RETURNING topic, partition, log_offset)
DELETE FROM outcomes o USING gone
WHERE o.topic = gone.topic AND o.partition = gone.partition AND o.log_offset = gone.log_offset AND o.outcome = 'held'`,
    values: [`{${numbers.join(',')}}`],
  }
}
