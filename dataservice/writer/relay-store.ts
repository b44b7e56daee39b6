/** Dead letters as the relay takes them from the database. */
import type { NewRecord } from '#dataservice/platform/kafka/port.ts'
import type { Database } from '#dataservice/platform/postgres/database.ts'
import type { Row } from '#dataservice/platform/postgres/session.ts'
import { deadLetterHeaders } from '#dataservice/record/envelope.ts'
import { integers } from './statements.ts'

export interface DeadLetter {
  /** Its number in the table. */
  id: string
  partition: number
  record: NewRecord
}

/** Every rejection is a `DatabaseFailure`. */
export interface DeadLetters {
  /** The oldest of these partitions that are not in their topic yet, within a few megabytes; at least one if there is one. */
  waiting(partitions: readonly number[]): Promise<DeadLetter[]>
  /** How many wait, counted up to 10,000. */
  count(partitions: readonly number[]): Promise<number>
  markRelayed(ids: readonly string[]): Promise<void>
}

const maxLetters = 500
const maxBytes = 2 * 1024 * 1024
const maxCounted = 10_000

export function deadLetters(database: Pick<Database, 'query'>, topic: string): DeadLetters {
  return {
    async waiting(partitions) {
      const { rows } = await database.query({
        text: `SELECT id, partition, log_offset, encode(key, 'hex'), headers, encode(value, 'hex'), sql_state, reason FROM (
SELECT *, sum(coalesce(octet_length(value), 0)) OVER (ORDER BY id) - coalesce(octet_length(value), 0) AS bytes_before
FROM (SELECT * FROM dead_letters WHERE topic = $1 AND partition = ANY($2) AND relayed_at IS NULL
  ORDER BY id LIMIT ${maxLetters}) AS oldest) AS sized WHERE bytes_before < ${maxBytes} ORDER BY id`,
        values: [topic, integers(partitions)],
      })
      return rows.map(row => letterOf(topic, row))
    },
    async count(partitions) {
      const { rows } = await database.query({
        text: `SELECT count(*) FROM (SELECT FROM dead_letters
WHERE topic = $1 AND partition = ANY($2) AND relayed_at IS NULL LIMIT ${maxCounted}) AS counted`,
        values: [topic, integers(partitions)],
      })
      return Number(rows[0]?.[0] ?? 0)
    },
    async markRelayed(ids) {
      await database.query({
        text: 'UPDATE dead_letters SET relayed_at = now() WHERE id = ANY($1)',
        values: [`{${ids.join(',')}}`],
      })
    },
  }
}

function letterOf(
  topic: string,
  [id, partition, offset, key, headers, value, sqlState, reason]: Row,
): DeadLetter {
  const own: Record<string, string> = JSON.parse(headers ?? '{}')
  const record: NewRecord = {
    key: Buffer.from(key ?? '', 'hex'),
    value: Buffer.from(value ?? '', 'hex'),
    headers: {
      ...Object.fromEntries(Object.entries(own).map(([name, text]) => [name, Buffer.from(text, 'base64')])),
      [deadLetterHeaders.topic]: topic,
      [deadLetterHeaders.partition]: partition ?? '',
      [deadLetterHeaders.offset]: offset ?? '',
      [deadLetterHeaders.reason]: reason ?? '',
      ...(sqlState && { [deadLetterHeaders.sqlState]: sqlState }),
      ...(value === null && { [deadLetterHeaders.value]: 'absent' }),
    },
  }
  return { id: id ?? '', partition: Number(partition), record }
}
