/** Brings commands into the tables of changing records, inside the transaction of their batch. */
import type { Row, Session } from '#dataservice/platform/postgres/session.ts'
import type { NewRow } from '../decode.ts'
import { type Aside, isolating, nothingAside, type RefusedRow } from '../isolate.ts'
import { isUnstored, type RowOutcome } from '../outcomes.ts'
import { type Applied, type Apply, type Portion, TooMuch } from '../store.ts'
import {
  acceptedAtOf,
  type Changed,
  type Decided,
  fold,
  type Known,
  type Merge,
  type RecordState,
  schemaVersionOf,
} from './decide.ts'
import {
  bodiesStatement,
  type EventRow,
  eventsStatement,
  knownStatement,
  type StateRow,
  statesStatement,
  upsertStatement,
} from './statements.ts'
import { firstTooMany, mergedBytes } from './weight.ts'

interface Done {
  /** Commands that changed a record. */
  applied: number
  /** Records as they are after it. */
  changed: readonly Changed[]
  outcomes: readonly RowOutcome[]
}

/** Hears what records are changing to, before it is committed; it may still come to nothing. */
export type Announce = (changed: readonly Changed[]) => void

/**
 * Of one partition of the log only one writer passes the fence at a time, and all commands of a record stand in one
 * partition: between reading a record and changing it nobody else can.
 */
export function changing(merge: Merge, announce: Announce = () => {}): Apply {
  return async (session, portion, path) => {
    const { rows, place } = portion
    const work = (part: readonly NewRow[]) => applyAll(session, { rows: part, place }, merge)
    if (path !== 'isolating') return told([await work(rows)], nothingAside, announce)
    const { done, refused, held } = await isolating(session, portion, work)
    // The log may hold an event twice.
    const events = new Map(refused.map(each => [each.row.eventId, refusedEvent(each)]))
    if (events.size > 0) await session.query(eventsStatement([...events.values()], place.partition))
    return told(done, { refused, held }, announce)
  }
}

function told(done: readonly Done[], aside: Aside, announce: Announce): Applied {
  announce(done.flatMap(({ changed }) => changed))
  return {
    inserted: done.reduce((sum, { applied }) => sum + applied, 0),
    ...aside,
    others: done.flatMap(({ outcomes }) => outcomes),
  }
}

async function applyAll(
  session: Session,
  { rows, place }: Pick<Portion, 'rows' | 'place'>,
  merge: Merge,
): Promise<Done> {
  if (rows.length === 0) return { applied: 0, changed: [], outcomes: [] }
  const known = await knownAmong(session, rows)
  const states = await statesOf(
    session,
    rows.filter(({ eventId }) => !known.has(eventId)),
  )
  const { decided, changed, outcomes, left } = fold(rows, { states, known, merge })
  if (left) throw new TooMuch(left.offset)
  if (decided.length > 0) await session.query(eventsStatement(decided.map(eventRow), place.partition))
  if (changed.length > 0) await session.query(upsertStatement(changed.map(stateRow)))
  return { applied: decided.filter(({ version }) => version !== undefined).length, changed, outcomes }
}

async function knownAmong(session: Session, rows: readonly NewRow[]): Promise<ReadonlyMap<string, Known>> {
  const { rows: found } = await session.query(knownStatement(rows.map(({ eventId }) => eventId)))
  return new Map(found.map(([id, outcome, reason]) => [id ?? '', knownOf(outcome, reason)]))
}

function knownOf(outcome: Row[number] | undefined, reason: Row[number] | undefined): Known {
  if (!isUnstored(outcome)) return {}
  return { outcome, ...(reason && { reason }) }
}

/** Records as they are, with their bodies where patches need them. Rejects with `TooMuch` rather than read too many. */
async function statesOf(
  session: Session,
  rows: readonly NewRow[],
): Promise<ReadonlyMap<string, RecordState>> {
  if (rows.length === 0) return new Map()
  const ids = [...new Set(rows.map(({ id }) => id))]
  const merges = rows.filter(({ command }) => command?.kind === 'merge')
  const patched = [...new Set(merges.map(({ id }) => id))]
  // All that come at once are not too much together, whatever their sizes.
  const upTo = Math.floor(mergedBytes / Math.max(1, patched.length))
  const answer = await session.query(statesStatement(ids, { of: patched, upTo }))
  const found = answer.rows.map(foundOf)
  const tooMany = firstTooMany(rows, new Map(found.map(({ id, size }) => [id, size])))
  if (tooMany) throw new TooMuch(tooMany.offset)
  const large = found.filter(({ size, state }) => size > 0 && state.body === undefined).map(({ id }) => id)
  const bodies = large.length > 0 ? await bodiesOf(session, large) : none
  return new Map(
    found.map(({ id, state }) => {
      const body = bodies.get(id)
      return [id, body === undefined ? state : { ...state, body }]
    }),
  )
}

const none: ReadonlyMap<string, string> = new Map()

/** A record as it is; `size` in bytes where a patch needs its body, which is absent when it is large. */
interface Found {
  id: string
  state: RecordState
  size: number
}

function foundOf([id, version, acceptedAt, isLive, schemaVersion, size, body]: Row): Found {
  const state = {
    version: BigInt(version ?? 0),
    acceptedAt: acceptedAt ?? '',
    isLive: isLive === 't',
    schemaVersion: schemaVersion ?? '',
    ...(typeof body === 'string' && { body }),
  }
  return { id: id ?? '', state, size: Number(size ?? 0) }
}

/** By id. */
async function bodiesOf(session: Session, ids: readonly string[]): Promise<ReadonlyMap<string, string>> {
  const { rows } = await session.query(bodiesStatement(ids))
  return new Map(rows.map(([id, body]) => [id ?? '', body ?? '']))
}

function eventRow({ row, decision, version }: Decided): EventRow {
  const common = { ...eventOf(row), version: version ?? 0n }
  return decision.kind === 'applied'
    ? { ...common, body: decision.body ?? '', outcome: '', reason: '' }
    : { ...common, body: '', outcome: decision.outcome, reason: decision.reason ?? '' }
}

/** A command that the database does not take is not decided anew by a replay, either. */
function refusedEvent({ row, reason }: RefusedRow): EventRow {
  return { ...eventOf(row), version: 0n, body: '', outcome: 'refused', reason: reason ?? '' }
}

function eventOf(row: NewRow): Omit<EventRow, 'version' | 'body' | 'outcome' | 'reason'> {
  return {
    id: row.eventId,
    recordId: row.id,
    command: row.command?.kind ?? '',
    acceptedAt: acceptedAtOf(row),
    schemaVersion: schemaVersionOf(row),
  }
}

function stateRow({ row, ...state }: Changed): StateRow {
  const { version, acceptedAt, body } = state
  return {
    id: row.id,
    eventId: row.eventId,
    changedAt: acceptedAtOf(row),
    schemaVersion: schemaVersionOf(row),
    version,
    acceptedAt,
    body,
  }
}
