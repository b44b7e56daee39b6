/** Ids and log records for tests. */
import { randomFillSync } from 'node:crypto'
import type { LogRecord, NewRecord } from '#dataservice/platform/kafka/port.ts'
import { type CommandKind, commandTypes, envelope } from '#dataservice/record/envelope.ts'
import { uuid7Maker } from '#dataservice/record/uuid7.ts'
import { acceptedRecord } from './service-settings.ts'

/** Of `testRecord`. */
export const testVersion = acceptedRecord().schemaVersion

/** A new UUIDv7 of a moment in milliseconds since 1970. */
export function uuid7At(milliseconds: number): string {
  return uuid7Maker({ now: () => milliseconds, random: bytes => randomFillSync(bytes) })()
}

export interface TestRecord {
  body: string
  /** Default: a new one of now. */
  id?: string
  /** Default: the id. */
  eventId?: string
  key?: string
  /** Default: create. */
  command?: CommandKind
  /** Further headers. */
  headers?: Readonly<Record<string, string>>
}

/** A record as the gateway appends it. */
export function newRecord({
  body,
  id = uuid7At(Date.now()),
  eventId = id,
  key = 'key',
  command = 'create',
  headers = {},
}: TestRecord): NewRecord {
  return {
    key: Buffer.from(key),
    value: Buffer.from(body),
    headers: {
      [envelope.specVersion]: '1.0',
      [envelope.eventId]: eventId,
      [envelope.subject]: id,
      [envelope.type]: commandTypes[command],
      [envelope.source]: '/shop/orders',
      [envelope.time]: new Date().toISOString(),
      [envelope.contentType]: 'application/json',
      [envelope.schemaVersion]: testVersion,
      ...headers,
    },
  }
}

/** The same record as the log gives it back. */
export function logRecord(offset: bigint, record: TestRecord): LogRecord {
  const { key, value, headers } = newRecord(record)
  return {
    offset,
    key,
    value,
    headers: new Map(Object.entries(headers).map(([name, text]) => [name, Buffer.from(text)])),
    timestamp: Date.now(),
  }
}
