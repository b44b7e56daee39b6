/** What becomes of commands. What is decided depends on the record and the command alone, so a replay repeats it. Pure. */
import { envelope } from '#dataservice/record/envelope.ts'
import type { NewRow } from '../decode.ts'
import type { RowOutcome, Unstored } from '../outcomes.ts'
import type { Command } from './command.ts'
import { mergedBytes } from './weight.ts'

/** A record as it is; one that is deleted keeps its version. */
export interface RecordState {
  version: bigint
  /** When it was created, as Postgres writes it. */
  acceptedAt: string
  isLive: boolean
  /** Of its body. */
  schemaVersion: string
  /** Only where a patch is to be merged into it. */
  body?: string
}

/** A body in the form of a version. */
export interface Versioned {
  body: string
  schemaVersion: string
}

export type Merged = { kind: 'merged'; body: string } | { kind: 'invalid'; reason: string }
/** The record with a merge patch. */
export type Merge = (id: string, record: Versioned, patch: Versioned) => Merged

export type Decision =
  /** `body`: what the record is from now on; undefined when it is deleted. */
  { kind: 'applied'; body: string | undefined } | { kind: 'unchanged'; outcome: Unstored; reason?: string }

/** Decides one command. `state`: undefined when there was never such a record. */
export function decide(
  state: RecordState | undefined,
  { id, command, ...sent }: { id: string; command: Command } & Versioned,
  merge: Merge,
): Decision {
  const { kind, ifMatch, onlyNew } = command
  const isLive = state?.isLive === true
  if (ifMatch !== undefined && !(isLive && (ifMatch === '*' || ifMatch.includes(String(state.version)))))
    return { kind: 'unchanged', outcome: 'version-conflict', reason: versionText(state) }
  if (onlyNew && isLive) return { kind: 'unchanged', outcome: 'version-conflict', reason: versionText(state) }
  if (kind === 'create' && isLive) return { kind: 'unchanged', outcome: 'id-conflict' }
  if (kind === 'create' || kind === 'replace') return { kind: 'applied', body: sent.body }
  if (!isLive) return { kind: 'unchanged', outcome: 'absent' }
  if (kind === 'delete') return { kind: 'applied', body: undefined }
  const { body = '', schemaVersion } = state
  const merged = merge(id, { body, schemaVersion }, sent)
  if (merged.kind === 'invalid') return { kind: 'unchanged', outcome: 'invalid', reason: merged.reason }
  return { kind: 'applied', body: merged.body }
}

const versionText = (state: RecordState | undefined): string =>
  state?.isLive ? `the record has version ${state.version}` : 'there is no such record'

/** What was decided of an event before; without an outcome it changed its record. */
export interface Known {
  outcome?: Unstored
  reason?: string
}

/** One command with what became of it. */
export interface Decided {
  row: NewRow
  decision: Decision
  /** The version that it made. */
  version?: bigint
}

/** A record that a batch has changed. */
export interface Changed {
  row: NewRow
  version: bigint
  acceptedAt: string
  body: string | undefined
}

export interface Folded {
  /** Commands that were never decided before, in log order. */
  decided: readonly Decided[]
  /** Records as they are after the batch. */
  changed: readonly Changed[]
  outcomes: readonly RowOutcome[]
  /** The first command that is left, because patches have made enough for one transaction. */
  left?: NewRow
}

export interface FoldOptions {
  states: ReadonlyMap<string, RecordState>
  /** By event id. */
  known: ReadonlyMap<string, Known>
  merge: Merge
  /** Once patches have made so many bytes no further command is decided. */
  most?: number
}

/** Decides a batch in log order, each command on what the ones before it made. */
export function fold(
  rows: readonly NewRow[],
  { states, known, merge, most = mergedBytes }: FoldOptions,
): Folded {
  const now = new Map(states)
  const seen = new Map(known)
  const changed = new Map<string, Changed>()
  const decided: Decided[] = []
  const outcomes: RowOutcome[] = []
  let made = 0
  for (const row of rows) {
    if (made >= most) return { decided, changed: [...changed.values()], outcomes, left: row }
    const before = seen.get(row.eventId)
    if (before !== undefined) {
      if (before.outcome !== undefined) outcomes.push(outcomeOf(row, before.outcome, before.reason))
      continue
    }
    const { id, command } = row
    const state = now.get(id)
    if (command === undefined) throw new Error('a row without a command cannot change a record')
    const sent = { body: bodyOf(row), schemaVersion: schemaVersionOf(row) }
    const decision = decide(state, { id, command, ...sent }, merge)
    if (decision.kind === 'unchanged') {
      seen.set(row.eventId, decision)
      decided.push({ row, decision })
      outcomes.push(outcomeOf(row, decision.outcome, decision.reason))
      continue
    }
    if (command.kind === 'merge') made += Buffer.byteLength(decision.body ?? '')
    const next = after(state, decision.body, row)
    seen.set(row.eventId, {})
    now.set(row.id, next)
    changed.set(row.id, { row, ...next, body: decision.body })
    decided.push({ row, decision, version: next.version })
  }
  return { decided, changed: [...changed.values()], outcomes }
}

function after(state: RecordState | undefined, body: string | undefined, row: NewRow): RecordState {
  return {
    version: (state?.version ?? 0n) + 1n,
    acceptedAt: state?.isLive ? state.acceptedAt : acceptedAtOf(row),
    isLive: body !== undefined,
    schemaVersion: schemaVersionOf(row),
    ...(body !== undefined && { body }),
  }
}

const bodyOf = ({ record }: NewRow): string => record.value?.toString() ?? ''

/** Version of the schema that the command is in. */
export const schemaVersionOf = ({ record }: Pick<NewRow, 'record'>): string =>
  record.headers.get(envelope.schemaVersion)?.toString() ?? ''

/** When the command was accepted, RFC 3339. */
export function acceptedAtOf({ record }: Pick<NewRow, 'record'>): string {
  return new Date(record.headers.get(envelope.time)?.toString('latin1') ?? '').toISOString()
}

function outcomeOf(row: NewRow, outcome: Unstored, reason: string | undefined): RowOutcome {
  return { row, outcome, ...(reason !== undefined && { reason }) }
}
