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
}

export type Decoded = { kind: 'row'; row: NewRow } | { kind: 'unreadable'; reason: string }

/** Event id of a record, or undefined when it has none. */
export function eventIdOf({ headers }: LogRecord): string | undefined {
  return headers.get(envelope.eventId)?.toString()
}

/** What a record becomes. A record that our gateway did not write may be unreadable. */
export function decode(record: LogRecord, table: RecordsTable): Decoded {
  const eventId = eventIdOf(record)
  const idBytes = record.headers.get(envelope.subject)
  const acceptedAt = Date.parse(record.headers.get(envelope.time)?.toString() ?? '')
  const schemaVersion = record.headers.get(envelope.schemaVersion)
  const { value: body, offset } = record
  if (!eventId) return unreadable(`no ${envelope.eventId}`)
  if (!idBytes) return unreadable(`no ${envelope.subject}`)
  if (Number.isNaN(acceptedAt)) return unreadable(`${envelope.time} is no time`)
  if (!schemaVersion) return unreadable(`no ${envelope.schemaVersion}`)
  if (!body) return unreadable('no value')
  const id = idBytes.toString()
  const key = record.key ?? idBytes
  const values = table.values({ eventId, id, idBytes, key, acceptedAt, schemaVersion, body })
  if ('unreadable' in values) return unreadable(values.unreadable)
  const bytes = values.fields.reduce((sum, field) => sum + field.length, 0)
  return { kind: 'row', row: { offset, eventId, id, ...values, bytes } }
}

function unreadable(reason: string): Decoded {
  return { kind: 'unreadable', reason }
}
