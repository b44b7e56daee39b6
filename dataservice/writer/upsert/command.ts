/** What a record of the log asks for, where records change. Pure. */
import type { LogRecord } from '#dataservice/platform/kafka/port.ts'
import { type CommandKind, commandTypes, conditionHeaders, envelope } from '#dataservice/record/envelope.ts'

export interface Command {
  kind: CommandKind
  /** Versions that the record must have one of; `*`: there must be a record. */
  ifMatch?: readonly string[] | '*'
  /** There must be no record. */
  onlyNew: boolean
}

const kinds: ReadonlyMap<string, CommandKind> = new Map(
  (['create', 'replace', 'merge', 'delete'] as const).map(kind => [commandTypes[kind], kind]),
)

/** Headers of a command without conditions; more are looked at. */
const envelopeHeaders = Object.keys(envelope).length - 1

/** Undefined when it asks for nothing that we know. */
export function commandOf({ headers }: Pick<LogRecord, 'headers'>): Command | undefined {
  const kind = kinds.get(headers.get(envelope.type)?.toString('latin1') ?? '')
  if (kind === undefined) return undefined
  if (headers.size < envelopeHeaders) return { kind, onlyNew: false }
  const ifMatch = headers.get(conditionHeaders.ifMatch)?.toString('latin1')
  const onlyNew = headers.get(conditionHeaders.ifNoneMatch) !== undefined
  if (ifMatch === undefined) return { kind, onlyNew }
  return { kind, onlyNew, ifMatch: ifMatch === '*' ? ifMatch : ifMatch.split(',') }
}
