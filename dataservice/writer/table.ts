/** The shapes of `records`, as the writer fills them: by time with ids of ours, by hash with natural ids, or changing. */
import { isUtf8 } from 'node:buffer'
import { createHash } from 'node:crypto'
import type { LogRecord } from '#dataservice/platform/kafka/port.ts'
import { type BinaryType, timestampBytes } from '#dataservice/platform/postgres/binary.ts'
import type { TableKind } from '#dataservice/platform/postgres/partitions.ts'
import { maxIdCharacters } from '#dataservice/record/natural-id.ts'
import { timeOfBytes, uuid7Bytes } from '#dataservice/record/uuid7.ts'
import { type Command, commandOf } from './upsert/command.ts'

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
  /** Where records change: what is asked for. */
  command?: Command
  /** In the order of the columns, in the binary format of Postgres. */
  fields: readonly Buffer[]
  /** Milliseconds since 1970 that decide the partition by time. */
  idTime: number
  /** Tells two records with one id apart, in hex; absent where ids cannot come twice for different records. */
  bodyHash?: string
}

export interface RecordsTable {
  by: TableKind
  /** Of one insert of whole rows; none where records change. */
  columns: readonly Column[]
  /** The values of a row, or why there can be none. */
  values(received: Received, record: LogRecord): Values | { unreadable: string }
}

/** A longer id fits no page of an index. */
const maxIdBytes = 4 * maxIdCharacters

const common: readonly Column[] = [
  { name: 'key', type: 'text' },
  { name: 'accepted_at', type: 'timestamptz' },
  { name: 'schema_version', type: 'text' },
  { name: 'body', type: 'json' },
]

/** Of one row: the own fields of a table stand before and behind the common ones. */
const fieldsOf = (
  { key, acceptedAt, schemaVersion, body }: Received,
  id: Buffer,
  ...others: readonly Buffer[]
): readonly Buffer[] => [id, key, timestampBytes(acceptedAt), schemaVersion, body, ...others]

const byTime: RecordsTable = {
  by: 'Time',
  columns: [{ name: 'id', type: 'uuid' }, ...common],
  values(received) {
    const id = uuid7Bytes(received.id)
    if (id === undefined) return { unreadable: 'ce_subject is no UUIDv7' }
    return { fields: fieldsOf(received, id), idTime: timeOfBytes(id) }
  },
}

function wrongId(id: Buffer): string | undefined {
  if (id.length === 0) return 'ce_subject is empty'
  return id.length > maxIdBytes ? `ce_subject has more than ${maxIdBytes} bytes` : undefined
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
    const wrong = wrongId(id)
    if (wrong !== undefined) return { unreadable: wrong }
    const eventId = uuid7Bytes(received.eventId)
    if (eventId === undefined) return { unreadable: 'ce_id is no UUIDv7' }
    const hash = createHash('sha256').update(body).digest()
    return {
      fields: fieldsOf(received, id, eventId, hash),
      idTime: acceptedAt,
      bodyHash: hash.toString('hex'),
    }
  },
}

const changing: RecordsTable = {
  by: 'Upsert',
  columns: [],
  values({ id, eventId, schemaVersion, body }, record) {
    const wrong = wrongId(id)
    if (wrong !== undefined) return { unreadable: wrong }
    const event = uuid7Bytes(eventId)
    if (event === undefined) return { unreadable: 'ce_id is no UUIDv7' }
    // Commands of one record stay in order only with one key.
    if (!record.key?.equals(id)) return { unreadable: 'the key is not ce_subject' }
    const command = commandOf(record)
    if (command === undefined) return { unreadable: 'ce_type is no command' }
    if (!isUtf8(body)) return { unreadable: 'the value is not UTF-8' }
    if (body.length === 0 && command.kind !== 'delete') return { unreadable: 'no value' }
    return { fields: [id, schemaVersion, body], idTime: timeOfBytes(event), command }
  },
}

export const recordsTables: Readonly<Record<TableKind, RecordsTable>> = {
  Time: byTime,
  Hash: byHash,
  Upsert: changing,
}
