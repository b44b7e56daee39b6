/** The two shapes of `records`, as the writer fills them: by time with ids of ours, by hash with natural ids. */
import { createHash } from 'node:crypto'
import { type BinaryType, timestampBytes } from '#dataservice/platform/postgres/binary.ts'
import type { Partitioning } from '#dataservice/platform/postgres/partitions.ts'
import { maxIdCharacters } from '#dataservice/record/natural-id.ts'
import { timeOfBytes, uuid7Bytes } from '#dataservice/record/uuid7.ts'

export interface Column {
  name: string
  type: BinaryType
}

/** What the envelope, key and value of a record say. */
export interface Received {
  /** As text, in bytes. */
  eventId: Buffer
  id: Buffer
  key: Buffer
  /** Milliseconds since 1970. */
  acceptedAt: number
  schemaVersion: Buffer
  body: Buffer
}

/** What one row is made of. */
export interface Values {
  /** In the order of the columns, in the binary format of Postgres. */
  fields: readonly Buffer[]
  /** Milliseconds since 1970 that decide the partition by time. */
  idTime: number
  /** Tells two records with one id apart, in hex; absent where ids cannot come twice for different records. */
  bodyHash?: string
}

export interface RecordsTable {
  by: Partitioning['by']
  columns: readonly Column[]
  /** The values of a row, or why there can be none. */
  values(received: Received): Values | { unreadable: string }
}

/** A longer id fits no page of an index. */
const maxIdBytes = 4 * maxIdCharacters

const common: readonly Column[] = [
  { name: 'key', type: 'text' },
  { name: 'accepted_at', type: 'timestamptz' },
  { name: 'schema_version', type: 'text' },
  { name: 'body', type: 'json' },
]

const commonFields = ({ key, acceptedAt, schemaVersion, body }: Received): readonly Buffer[] => [
  key,
  timestampBytes(acceptedAt),
  schemaVersion,
  body,
]

const byTime: RecordsTable = {
  by: 'Time',
  columns: [{ name: 'id', type: 'uuid' }, ...common],
  values(received) {
    const id = uuid7Bytes(received.id)
    if (id === undefined) return { unreadable: 'ce_subject is no UUIDv7' }
    return { fields: [id, ...commonFields(received)], idTime: timeOfBytes(id) }
  },
}

const byHash: RecordsTable = {
  by: 'Hash',
  columns: [
    { name: 'id', type: 'text' },
    ...common,
    { name: 'event_id', type: 'uuid' },
    { name: 'body_hash', type: 'bytea' },
  ],
  values(received) {
    const { id, body, acceptedAt } = received
    if (id.length === 0) return { unreadable: 'ce_subject is empty' }
    if (id.length > maxIdBytes) return { unreadable: `ce_subject has more than ${maxIdBytes} bytes` }
    const eventId = uuid7Bytes(received.eventId)
    if (eventId === undefined) return { unreadable: 'ce_id is no UUIDv7' }
    const hash = createHash('sha256').update(body).digest()
    const fields = [id, ...commonFields(received), eventId, hash]
    return { fields, idTime: acceptedAt, bodyHash: hash.toString('hex') }
  },
}

export const recordsTables: Readonly<Record<Partitioning['by'], RecordsTable>> = {
  Time: byTime,
  Hash: byHash,
}
