/** Log records to rows. The body passes as the bytes it came in; nothing here parses it. */
import type { LogRecord, Offset } from '#dataservice/platform/kafka/port.ts'
import { envelope } from '#dataservice/record/envelope.ts'
import type { RecordsTable, Values } from './table.ts'

/** One row of `records` with its place in the log. */
export interface NewRow extends Values {
  offset: Offset
  eventId: string
  /** Record id. */
  id: string
  bytes: number
  /** Where it came from. */
  record: LogRecord
}

/** A record that no row can be made of; its offset is passed in its turn. */
export interface Unreadable {
  offset: Offset
  eventId: string | undefined
  bytes: number
  record: LogRecord
  /** What is missing or wrong. */
  unreadable: string
}

export type LogRow = NewRow | Unreadable

export const isReadable = (row: LogRow): row is NewRow => !('unreadable' in row)

/** Event id of a record, or undefined when it has none. As it came: `storableText` before it goes into a statement. */
export function eventIdOf({ headers }: LogRecord): string | undefined {
  return headers.get(envelope.eventId)?.toString() || undefined
}

/** Record id of a record, or undefined when it has none; like `eventIdOf`. */
export function recordIdOf({ headers }: LogRecord): string | undefined {
  return headers.get(envelope.subject)?.toString() || undefined
}

/** Postgres takes every character in a text but U+0000, which only a foreign producer sends. */
export const storableText = (text: string | undefined): string | undefined => text?.replaceAll('\0', '\ufffd')

/** What RFC 3339 can spell and Postgres reads: the years 1 to 9999. */
const firstTime = Date.parse('0001-01-01T00:00:00.000Z')
const lastTime = Date.parse('9999-12-31T23:59:59.999Z')

/** What a record becomes. A record that our gateway did not write may be unreadable. */
export function decode(record: LogRecord, table: RecordsTable): LogRow {
  const { headers, value: body, offset } = record
  const eventId = headers.get(envelope.eventId)
  const id = headers.get(envelope.subject)
  const acceptedAt = Date.parse(headers.get(envelope.time)?.toString('latin1') ?? '')
  const schemaVersion = headers.get(envelope.schemaVersion)
  if (!eventId?.length) return unreadable(record, `no ${envelope.eventId}`)
  if (!id) return unreadable(record, `no ${envelope.subject}`)
  if (!(acceptedAt >= firstTime && acceptedAt <= lastTime))
    return unreadable(record, `${envelope.time} is no time`)
  if (!schemaVersion) return unreadable(record, `no ${envelope.schemaVersion}`)
  if (!body) return unreadable(record, 'no value')
  const key = record.key ?? id
  const values = table.values({ eventId, id, key, acceptedAt, schemaVersion, body }, record)
  if ('unreadable' in values) return unreadable(record, values.unreadable)
  const idText = id.toString()
  // Without a natural id the record has the id of its event: one text for both.
  const eventText = eventId.equals(id) ? idText : eventId.toString()
  let bytes = 0
  for (const field of values.fields) bytes += field.length
  return { ...values, offset, eventId: eventText, id: idText, bytes, record }
}

function unreadable(record: LogRecord, why: string): Unreadable {
  const bytes = (record.value?.length ?? 0) + (record.key?.length ?? 0)
  return { offset: record.offset, eventId: eventIdOf(record), bytes, record, unreadable: why }
}
