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
  const { headers, value: body, offset } = record
  const eventId = headers.get(envelope.eventId)
  const id = headers.get(envelope.subject)
  const acceptedAt = Date.parse(headers.get(envelope.time)?.toString('latin1') ?? '')
  const schemaVersion = headers.get(envelope.schemaVersion)
  if (!eventId?.length) return unreadable(`no ${envelope.eventId}`)
  if (!id) return unreadable(`no ${envelope.subject}`)
  if (Number.isNaN(acceptedAt)) return unreadable(`${envelope.time} is no time`)
  if (!schemaVersion) return unreadable(`no ${envelope.schemaVersion}`)
  if (!body) return unreadable('no value')
  const key = record.key ?? id
  const values = table.values({ eventId, id, key, acceptedAt, schemaVersion, body })
  if ('unreadable' in values) return unreadable(values.unreadable)
  const idText = id.toString()
  // Without a natural id the record has the id of its event: one text for both.
  const eventText = eventId.equals(id) ? idText : eventId.toString()
  let bytes = 0
  for (const field of values.fields) bytes += field.length
  return { kind: 'row', row: { ...values, offset, eventId: eventText, id: idText, bytes } }
}

function unreadable(reason: string): Decoded {
  return { kind: 'unreadable', reason }
}
