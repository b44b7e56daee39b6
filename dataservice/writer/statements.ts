/** The SQL of the writer; text and parameters only. */

import type { Offset } from '#dataservice/platform/kafka/port.ts'
import { arrayBytes } from '#dataservice/platform/postgres/binary.ts'
import type { Statement } from '#dataservice/platform/postgres/session.ts'
import type { NewRow } from './decode.ts'
import type { Column } from './table.ts'

/** A partition of the topic. */
export interface Place {
  topic: string
  partition: number
}

const positionColumns = 'cluster_id, next_offset, last_id, epoch, claimed_by'

/** Takes a partition: waits for an open transaction of its last writer, and shuts that writer out from then on. */
export function claimStatement({ topic, partition }: Place, clusterId: string, claimedBy: string): Statement {
  return {
    name: 'claim',
    text: `INSERT INTO ingest_offsets AS o (topic, partition, cluster_id, next_offset, last_id, epoch, claimed_by)
VALUES ($1, $2, $3, 0, NULL, 1, $4)
ON CONFLICT (topic, partition) DO UPDATE SET epoch = o.epoch + 1, claimed_by = excluded.claimed_by
RETURNING ${positionColumns}`,
    values: [topic, partition, clusterId, claimedBy],
  }
}

/** As the value of a parameter that is an array of integers. */
export const integers = (numbers: readonly number[]): string => `{${numbers.join(',')}}`

/** Each row begins with `on` where the server lets nobody write, as a replica does, and with its partition. */
export function positionsStatement(topic: string, partitions: readonly number[]): Statement {
  return {
    name: 'positions',
    text: `SELECT current_setting('transaction_read_only'), partition, ${positionColumns} FROM ingest_offsets
WHERE topic = $1 AND partition = ANY($2)`,
    values: [topic, integers(partitions)],
  }
}

/** One step of a partition, from what we know to where the batch ends. */
export interface Advance extends Place {
  epoch: bigint
  from: Offset
  to: Offset
  /** Event id of the record before `to`, when it has one. */
  lastId: string | undefined
}

/** The compare-and-set that opens every batch: no row means that somebody else wrote. */
export function advanceStatement({ topic, partition, epoch, from, to, lastId }: Advance): Statement {
  return {
    name: 'advance',
    text: `UPDATE ingest_offsets SET next_offset = $5, last_id = $6
WHERE topic = $1 AND partition = $2 AND epoch = $3 AND next_offset = $4`,
    values: [topic, partition, epoch, from, to, lastId ?? null],
  }
}

export function copyText(columns: readonly Column[]): string {
  return `COPY records (${namesOf(columns)}) FROM STDIN (FORMAT binary)`
}

/**
 * Inserts what does not stand there yet; its count is the number of new rows. In the order of ids, so that two
 * partitions of the log that bring the same ids wait for each other instead of locking each other out.
 */
export function tolerantStatement(columns: readonly Column[], rows: readonly NewRow[]): Statement {
  const parameters = columns.map(({ type }, index) => `$${index + 1}::${type}[]`).join(', ')
  const none = Buffer.alloc(0)
  return {
    name: 'tolerant',
    text: `INSERT INTO records (${namesOf(columns)}) SELECT * FROM unnest(${parameters}) ORDER BY 1 ON CONFLICT DO NOTHING`,
    values: columns.map(({ type }, index) =>
      arrayBytes(
        type,
        rows.map(({ fields }) => fields[index] ?? none),
      ),
    ),
  }
}

/** Id, body hash (in hex) and event id of every row that stands under one of these natural ids. */
export function standingStatement(ids: readonly string[]): Statement {
  const values = [
    arrayBytes(
      'text',
      ids.map(id => Buffer.from(id)),
    ),
  ]
  return {
    text: `SELECT id, encode(body_hash, 'hex'), event_id FROM records WHERE id = ANY($1)`,
    values,
  }
}

const namesOf = (columns: readonly Column[]): string => columns.map(({ name }) => name).join(', ')

export function ensurePartitionStatement(id: string): Statement {
  return { name: 'ensure', text: 'SELECT ensure_partition($1)', values: [id] }
}
