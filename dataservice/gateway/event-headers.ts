/** Headers that all records of a service share, by what happened to the record; encoded once. */
import { sharedHeaders } from '#dataservice/platform/kafka/batch-encoder.ts'
import type { SharedHeaders } from '#dataservice/platform/kafka/port.ts'
import { type CommandKind, commandTypes, envelope } from '#dataservice/record/envelope.ts'

export type ChangeKind = Exclude<CommandKind, 'create'>

export type ChangeHeaders = Readonly<Record<ChangeKind, SharedHeaders>>

const contentTypes: Readonly<Record<Exclude<CommandKind, 'delete'>, string>> = {
  create: 'application/json',
  replace: 'application/json',
  merge: 'application/merge-patch+json',
}

export function constantHeaders(
  source: string,
  schemaVersion: string,
  kind: CommandKind = 'create',
): SharedHeaders {
  return sharedHeaders({
    [envelope.specVersion]: '1.0',
    [envelope.type]: commandTypes[kind],
    [envelope.source]: source,
    // A deletion has no content.
    ...(kind !== 'delete' && { [envelope.contentType]: contentTypes[kind] }),
    [envelope.schemaVersion]: schemaVersion,
  })
}

export function changeHeaders(source: string, schemaVersion: string): ChangeHeaders {
  const of = (kind: ChangeKind) => constantHeaders(source, schemaVersion, kind)
  return { replace: of('replace'), merge: of('merge'), delete: of('delete') }
}
