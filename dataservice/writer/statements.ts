/** The SQL of the writer; text and parameters only. */

import type { Offset } from '#dataservice/platform/kafka/port.ts'
import {
  arrayBytes,
  type BinaryType,
  copyHeader,
  copyRow,
  copyTrailer,
} from '#dataservice/platform/postgres/binary.ts'
import type { Statement } from '#dataservice/platform/postgres/session.ts'
import { columns, type NewRow } from './decode.ts'

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

export function positionStatement({ topic, partition }: Place): Statement {
  return {
    name: 'position',
    text: `SELECT ${positionColumns} FROM ingest_offsets WHERE topic = $1 AND partition = $2`,
    values: [topic, partition],
  }
}

/** One step of a partition, from what we know to where the batch ends. */
export interface Advance extends Place {
  epoch: bigint
  from: Offset
  to: Offset
  lastId: string
}

/** The compare-and-set that opens every batch: no row means that somebody else wrote. */
export function advanceStatement({ topic, partition, epoch, from, to, lastId }: Advance): Statement {
  return {
    name: 'advance',
    text: `UPDATE ingest_offsets SET next_offset = $5, last_id = $6
WHERE topic = $1 AND partition = $2 AND epoch = $3 AND next_offset = $4`,
    values: [topic, partition, epoch, from, to, lastId],
  }
}

export const copyText = `COPY records (${columns.join(', ')}) FROM STDIN (FORMAT binary)`

/** The input of `copyText`. */
export function copyInput(rows: readonly NewRow[]): readonly Buffer[] {
  return [Buffer.concat([copyHeader, ...rows.map(({ fields }) => copyRow(fields)), copyTrailer])]
}

const columnTypes: readonly BinaryType[] = ['uuid', 'text', 'timestamptz', 'text', 'json']

/** Inserts what does not stand there yet; its count is the number of new rows. */
export function tolerantStatement(rows: readonly NewRow[]): Statement {
  const parameters = columnTypes.map((type, index) => `$${index + 1}::${type}[]`).join(', ')
  const none = Buffer.alloc(0)
  return {
    name: 'tolerant',
    text: `INSERT INTO records (${columns.join(', ')}) SELECT * FROM unnest(${parameters}) ON CONFLICT DO NOTHING`,
    values: columnTypes.map((type, index) =>
      arrayBytes(
        type,
        rows.map(({ fields }) => fields[index] ?? none),
      ),
    ),
  }
}

export function ensurePartitionStatement(id: string): Statement {
  return { name: 'ensure', text: 'SELECT ensure_partition($1)', values: [id] }
}
