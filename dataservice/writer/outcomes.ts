/** What becomes of records that are not stored as they were sent. Pure. */
import { isReadable, type LogRow, type NewRow } from './decode.ts'

/** Names of outcomes, as the tables and metrics spell them. */
const unstored = [
  /** The same bytes stand under the id already, sent by another event. */
  'duplicate',
  /** Another record has the id. */
  'id-conflict',
  /** Another body came with the same Idempotency-Key. */
  'key-reused',
  /** The database does not take it, or nobody can read it; it is a dead letter. */
  'refused',
  /** It waits behind a refused record with the same key. */
  'held',
  /** The record has another version than the command asked for. */
  'version-conflict',
  /** There is no such record to change. */
  'absent',
  /** The record would not match the schema any more. */
  'invalid',
  /** Outside the time for which there may be partitions. */
  'expired',
  'future',
] as const
export type Unstored = (typeof unstored)[number]

export const isUnstored = (name: string | null | undefined): name is Unstored =>
  unstored.some(known => known === name)

export interface RowOutcome {
  row: LogRow
  outcome: Unstored
  /** Id of the record that stands in its place. */
  winner?: string
  sqlState?: string
  reason?: string
}

/** The record that stands under an id: hash of its body in hex, and its event. */
export interface Holder {
  bodyHash: string
  eventId: string
}
export type Standing = ReadonlyMap<string, Holder>

/** Rows that can be stored, and those of which that is known not to be so. */
export function readable(rows: readonly LogRow[]): { rows: readonly NewRow[]; refused: RowOutcome[] } {
  const refused = rows.flatMap((row): RowOutcome[] =>
    isReadable(row) ? [] : [{ row, outcome: 'refused', reason: row.unreadable }],
  )
  return { rows: rows.filter(isReadable), refused }
}

/**
 * Rows in log order whose id another event has: the one that stands in the table, else the first one of the batch.
 * A row of the same event stands there itself.
 */
export function doublesOf(rows: readonly NewRow[], standing: Standing): RowOutcome[] {
  const holders = new Map(standing)
  return rows.flatMap((row): RowOutcome[] => {
    const { id, eventId, bodyHash } = row
    if (bodyHash === undefined) return []
    const holder = holders.get(id)
    if (holder === undefined) holders.set(id, { bodyHash, eventId })
    else if (holder.bodyHash !== bodyHash) return [{ row, outcome: 'id-conflict', winner: id }]
    else if (holder.eventId !== eventId) return [{ row, outcome: 'duplicate', winner: id }]
    return []
  })
}
