/** What became of an accepted record: from where the writers stand in the log, and from what is not stored as it was sent. */
import type { TableKind } from '#dataservice/platform/postgres/partitions.ts'
import type { Row, Statement } from '#dataservice/platform/postgres/session.ts'
import { idSchemes } from './ids.ts'
import type { Ask, Store } from './store.ts'

export type Status =
  | 'pending'
  | 'stored'
  | 'duplicate'
  | 'conflict'
  | 'key-reused'
  | 'version-conflict'
  | 'absent'
  | 'refused'
  | 'held'
  | 'expired'

/** Body of `GET /data/{id}/status`. */
export interface StatusAnswer {
  id: string
  status: Status
  /** Id of the record that stands in its place. */
  winner?: string
  /** Why it is not stored. */
  reason?: string
}

/** A place in the log of events. */
export interface Position {
  partition: number
  offset: bigint
}

export interface StatusQuestion {
  /** As a client wrote it. */
  id: string
  position?: Position
  /** The only key that the caller may see. */
  ownKey?: string
}

/** A range of offsets, both ends included. */
export interface Range {
  partition: number
  from: bigint
  to: bigint
}

/** One event that is not stored as it was sent. */
export interface PassedOutcome {
  offset: string
  /** Absent for a record without an event id. */
  eventId?: string
  status: Status
  winner?: string
  reason?: string
}

/** Body of `GET /outcomes`: everything below `next` has its outcome, stored unless it is listed. */
export interface PassedAnswer {
  next: string
  outcomes: readonly PassedOutcome[]
}

/** Body of `GET /stored`: by partition of the log, the offset below which everything has its outcome. */
export interface StoredAnswer {
  next: Readonly<Record<string, string>>
}

export interface OutcomesOptions {
  store: Store
  topic: string
  by: TableKind
  now(): number
}

/** How the table `outcomes` spells what clients are told. */
const statuses: ReadonlyMap<string, Status> = new Map([
  ['duplicate', 'duplicate'],
  ['id-conflict', 'conflict'],
  ['key-reused', 'key-reused'],
  ['version-conflict', 'version-conflict'],
  ['absent', 'absent'],
  ['invalid', 'refused'],
  ['refused', 'refused'],
  ['held', 'held'],
  ['expired', 'expired'],
  ['future', 'refused'],
])

const reasons: ReadonlyMap<string, string> = new Map([
  ['duplicate', 'the same record was stored before'],
  ['id-conflict', 'another record has this id'],
  ['key-reused', 'another body came with this Idempotency-Key before'],
  ['version-conflict', 'the record has another version'],
  ['absent', 'there is no such record to change'],
  ['held', 'a record with the same key was refused before it'],
  ['expired', 'the time of its id is before what is kept'],
  ['future', 'the time of its id is too far ahead'],
])

/** Outcomes of one answer. */
const maxListed = 1_000

export class Outcomes {
  readonly #options: OutcomesOptions

  constructor(options: OutcomesOptions) {
    this.#options = options
  }

  /** Undefined when there is no such record, or none with the caller's own key. Rejects like the store. */
  async status(asked: StatusQuestion, ask: Ask): Promise<StatusAnswer | undefined> {
    const { store, topic, by, now } = this.#options
    const { position, ownKey } = asked
    const scheme = idSchemes[by]
    const id = scheme.canonical(asked.id)
    if (id === undefined) return undefined
    const [row = []] = await store.rows(statusStatement(topic, id, position), ask)
    const [, storedKey, next, outcome, winner, reason, outcomeKey] = row
    const isOwn = (key: string | null | undefined) => ownKey === undefined || key === ownKey
    if (outcome && (position !== undefined || storedKey === null))
      return isOwn(outcomeKey) ? { id, ...told(outcome, winner, reason) } : undefined
    // What is stored under the id by now is another record, or what this one is to change. It says nothing of whose it is.
    if (position !== undefined && BigInt(next ?? 0) <= position.offset) return { id, status: 'pending' }
    if (typeof storedKey === 'string') return isOwn(storedKey) ? { id, status: 'stored' } : undefined
    const isPending = position === undefined && scheme.mayBeOnItsWay(id, now())
    return isPending ? { id, status: 'pending' } : undefined
  }

  /** Where the writers stand. Rejects like `status`. */
  async stored(ask: Ask): Promise<StoredAnswer> {
    const { store, topic } = this.#options
    const rows = await store.rows(
      {
        name: 'stored',
        text: 'SELECT partition, next_offset FROM ingest_offsets WHERE topic = $1',
        values: [topic],
      },
      ask,
    )
    return { next: Object.fromEntries(rows.map(([partition, next]) => [partition ?? '', next ?? '0'])) }
  }

  /** The outcomes of a range. Rejects like `status`. */
  async passed({ partition, from, to }: Range, ask: Ask): Promise<PassedAnswer> {
    const { store, topic } = this.#options
    const statement = {
      name: 'passed',
      text: `SELECT p.next_offset, o.log_offset, o.event_id, o.outcome, o.winner, o.reason
FROM ingest_offsets p LEFT JOIN LATERAL (
  SELECT * FROM outcomes WHERE topic = p.topic AND partition = p.partition AND log_offset BETWEEN $3 AND $4
  ORDER BY log_offset LIMIT ${maxListed + 1}) AS o ON true
WHERE p.topic = $1 AND p.partition = $2 ORDER BY o.log_offset`,
      values: [topic, partition, from, to],
    }
    const rows = await store.rows(statement, ask)
    const beyond = rows[maxListed]?.[1]
    return {
      next: beyond ?? rows[0]?.[0] ?? '0',
      outcomes: rows
        .slice(0, maxListed)
        .flatMap(([, offset, eventId, outcome, winner, reason]) =>
          offset && outcome
            ? [{ offset, ...(eventId && { eventId }), ...told(outcome, winner, reason) }]
            : [],
        ),
    }
  }
}

/** One snapshot: always true, key of the stored record, where the writers stand, and the outcome that counts. */
function statusStatement(topic: string, id: string, position: Position | undefined): Statement {
  const stored = '(SELECT key FROM records WHERE id = $1)'
  const columns = 'o.outcome, o.winner, o.reason, o.record_key'
  if (position === undefined)
    return {
      text: `SELECT true, ${stored}, NULL, ${columns} FROM (SELECT) AS asked LEFT JOIN LATERAL (
  SELECT * FROM outcomes WHERE record_id = $2 ORDER BY decided_at DESC LIMIT 1) AS o ON true`,
      values: [id, id],
    }
  return {
    text: `SELECT true, ${stored}, (SELECT next_offset FROM ingest_offsets WHERE topic = $3 AND partition = $4), ${columns}
FROM (SELECT) AS asked LEFT JOIN outcomes AS o
  ON o.topic = $3 AND o.partition = $4 AND o.log_offset = $5 AND o.record_id = $2`,
    values: [id, id, topic, position.partition, position.offset],
  }
}

function told(outcome: string, winner: Row[number] | undefined, reason: Row[number] | undefined) {
  const why = reason ?? reasons.get(outcome)
  return {
    status: statuses.get(outcome) ?? 'refused',
    ...(winner && { winner }),
    ...(why && { reason: why }),
  }
}
