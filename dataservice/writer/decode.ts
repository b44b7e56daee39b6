/** Log records to rows. The body passes as the bytes it came in; nothing here parses it. */
import type { LogRecord, Offset } from '#dataservice/platform/kafka/port.ts'
import { timestampBytes, uuidBytes } from '#dataservice/platform/postgres/binary.ts'
import { envelope } from '#dataservice/record/envelope.ts'
import { timeOfUuid7 } from '#dataservice/record/uuid7.ts'

/** One row of `records` with its place in the log. */
export interface NewRow {
  offset: Offset
  eventId: string
  /** Record id. */
  id: string
  /** Milliseconds since 1970 that the id carries: they decide the partition. */
  idTime: number
  /** Values of `columns` in the binary format of Postgres. */
  fields: readonly Buffer[]
  bytes: number
}

/** In the order of `NewRow.fields`. */
export const columns = ['id', 'key', 'accepted_at', 'schema_version', 'body'] as const

export type Decoded = { kind: 'row'; row: NewRow } | { kind: 'unreadable'; reason: string }

/** Event id of a record, or undefined when it has none. */
export function eventIdOf({ headers }: LogRecord): string | undefined {
  return headers.get(envelope.eventId)?.toString()
}

/** What a record becomes. A record that our gateway did not write may be unreadable. */
export function decode(record: LogRecord): Decoded {
  const eventId = eventIdOf(record)
  const id = record.headers.get(envelope.subject)?.toString()
  const acceptedAt = Date.parse(record.headers.get(envelope.time)?.toString() ?? '')
  const schemaVersion = record.headers.get(envelope.schemaVersion)
  const idTime = id === undefined ? undefined : timeOfUuid7(id)
  if (!eventId) return unreadable(`no ${envelope.eventId}`)
  if (id === undefined || idTime === undefined) return unreadable(`${envelope.subject} is no UUIDv7`)
  if (Number.isNaN(acceptedAt)) return unreadable(`${envelope.time} is no time`)
  if (!schemaVersion) return unreadable(`no ${envelope.schemaVersion}`)
  if (!record.value) return unreadable('no value')
  const key = record.key ?? Buffer.from(id)
  const fields = [uuidBytes(id), key, timestampBytes(acceptedAt), schemaVersion, record.value]
  const bytes = fields.reduce((sum, field) => sum + field.length, 0)
  return { kind: 'row', row: { offset: record.offset, eventId, id, idTime, fields, bytes } }
}

function unreadable(reason: string): Decoded {
  return { kind: 'unreadable', reason }
}
