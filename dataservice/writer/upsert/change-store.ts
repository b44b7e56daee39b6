/** What changed records, as the relay takes it from the table `events`. */
import type { NewRecord } from '#dataservice/platform/kafka/port.ts'
import type { Database } from '#dataservice/platform/postgres/database.ts'
import type { Row } from '#dataservice/platform/postgres/session.ts'
import { appliedHeaders, type CommandKind, commandTypes, envelope } from '#dataservice/record/envelope.ts'
import { lowestUuid7 } from '#dataservice/record/uuid7.ts'
import { fits } from '../batches.ts'

export interface Change {
  /** Rises from change to change of a partition. */
  number: bigint
  record: NewRecord
}

export interface Portion {
  changes: readonly Change[]
  /** Nothing is left behind them. */
  isAll: boolean
}

/** Every rejection is a `DatabaseFailure`. */
export interface Changes {
  /** The number up to which the topic has the changes of a partition of the log. */
  position(partition: number): Promise<bigint>
  /**
   * What follows a number, in order, within a few megabytes, if the partition is ours; `since`: no event of it is older
   * (milliseconds since 1970).
   */
  after(partition: number, number: bigint, since: number): Promise<Portion>
  moveTo(partition: number, number: bigint): Promise<void>
}

/** No more than those who follow the topic notice when they come again. */
const maxChanges = 500
const maxBytes = 2 * 1024 * 1024

export interface ChangesOptions {
  database: Pick<Database, 'query'>
  /** Who tells it, for the envelope. */
  source: string
  /** The log of commands. */
  topic: string
  /** The name under which we claim its partitions: whoever lost one finds nothing there any more. */
  claimedBy: string
}

export function changesIn({ database, source, topic, claimedBy }: ChangesOptions): Changes {
  return {
    async position(partition) {
      const text = 'SELECT number FROM change_positions WHERE partition = $1'
      const { rows } = await database.query({ name: 'change-position', text, values: [partition] })
      return BigInt(rows[0]?.[0] ?? 0)
    },
    async after(partition, number, since) {
      const { rows } = await database.query({
        text: `SELECT found, number, id, record_id, command, to_char(accepted_at, 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"'),
  schema_version, version, body FROM (
SELECT *, count(*) OVER () AS found,
  sum(octet_length(body::text)) OVER (ORDER BY number ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING) AS bytes_before
FROM (SELECT * FROM events WHERE partition = $1 AND number > $2 AND id >= $3 AND version IS NOT NULL
  AND EXISTS (SELECT FROM ingest_offsets o WHERE o.topic = $4 AND o.partition = $1 AND o.claimed_by = $5)
  ORDER BY number LIMIT ${maxChanges}) AS oldest
) AS sized WHERE coalesce(bytes_before, 0) < ${maxBytes} ORDER BY number`,
        values: [partition, number, lowestUuid7(since), topic, claimedBy],
      })
      const found = Number(rows[0]?.[0] ?? 0)
      const changes = rows.map(row => changeOf(row, source))
      return { changes, isAll: found < maxChanges && rows.length === found }
    },
    async moveTo(partition, number) {
      await database.query({
        name: 'move-change-position',
        // Whoever had the partition before may be late.
        text: `INSERT INTO change_positions AS p (partition, number) VALUES ($1, $2)
ON CONFLICT (partition) DO UPDATE SET number = excluded.number WHERE p.number < excluded.number`,
        values: [partition, number],
      })
    },
  }
}

const isKind = (text: string): text is CommandKind => Object.hasOwn(commandTypes, text)

function changeOf(
  [, number, eventId, id, command, acceptedAt, schemaVersion, version, body]: Row,
  source: string,
): Change {
  const kind = command ?? ''
  if (!isKind(kind)) throw new Error(`the event ${eventId} is no command: ${kind}`)
  const isThere = typeof body === 'string'
  const record: NewRecord = {
    key: Buffer.from(id ?? ''),
    value: isThere ? Buffer.from(body) : undefined,
    headers: {
      [envelope.specVersion]: '1.0',
      [envelope.eventId]: eventId ?? '',
      [envelope.subject]: id ?? '',
      [envelope.type]: commandTypes[kind],
      [envelope.source]: source,
      [envelope.time]: acceptedAt ?? '',
      ...(isThere && { [envelope.contentType]: 'application/json' }),
      [envelope.schemaVersion]: schemaVersion ?? '',
      [appliedHeaders.version]: version ?? '',
    },
  }
  return { number: BigInt(number ?? 0), record: fits(record) ? record : withoutValue(record) }
}

/** What another producer put into the log may be so large that these headers do not fit beside it. */
const withoutValue = (record: NewRecord): NewRecord => ({
  ...record,
  value: undefined,
  headers: { ...record.headers, [appliedHeaders.value]: 'too-large' },
})
