/** A record of the topic of changes as those see it who follow it. Pure. */
import type { LogRecord } from '#dataservice/platform/kafka/port.ts'
import { appliedHeaders, type CommandKind, commandTypes, envelope } from '#dataservice/record/envelope.ts'
import type { Lifting } from '#dataservice/record/lifting.ts'
import { lifted, type StoredEvent } from './stored-event.ts'

const kinds: ReadonlyMap<string, CommandKind> = new Map(
  (['create', 'replace', 'merge', 'delete'] as const).map(kind => [commandTypes[kind], kind]),
)
const end = Buffer.from('}')
const nothing = Buffer.from('null')

/** Undefined for what no writer of ours has put there. */
export function changeEvent(
  { offset, key, value: stored, headers }: LogRecord,
  lifting?: Lifting,
): StoredEvent | undefined {
  const text = (name: string): string => headers.get(name)?.toString() ?? ''
  const id = text(envelope.subject)
  const version = text(appliedHeaders.version)
  const command = kinds.get(text(envelope.type))
  const acceptedAt = Date.parse(text(envelope.time))
  if (!id || command === undefined || !/^\d{1,19}$/.test(version) || Number.isNaN(acceptedAt))
    return undefined
  const sentVersion = text(envelope.schemaVersion)
  const shown = stored && lifted(stored, sentVersion, lifting)
  const told = JSON.stringify({
    eventId: text(envelope.eventId),
    command,
    acceptedAt: new Date(acceptedAt).toISOString(),
    schemaVersion: shown?.version ?? sentVersion,
  })
  const head = `{"id":${JSON.stringify(id)},"version":${version},${told.slice(1, -1)},"record":`
  return {
    offset,
    key: key?.toString() ?? id,
    text: Buffer.concat([Buffer.from(head), shown?.value ?? nothing, end]),
  }
}
