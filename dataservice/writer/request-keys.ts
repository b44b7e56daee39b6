/**
 * Records that carry an Idempotency-Key: the first record of a key is stored, the others are told whose place it is.
 * The row of the key is written in the transaction of the record, so nothing but Postgres decides.
 */
import { createHash } from 'node:crypto'
import type { Session, Statement } from '#dataservice/platform/postgres/session.ts'
import { envelope } from '#dataservice/record/envelope.ts'
import { type NewRow, recordIdOf } from './decode.ts'
import type { RowOutcome } from './outcomes.ts'
import type { Place } from './statements.ts'
import type { RecordsTable } from './table.ts'

/** A row with its key, and the hash of its body; both in hex. */
export interface Keyed {
  row: NewRow
  key: string
  bodyHash: string
}

/** The record that a key stands for. */
export interface KeyHolder {
  id: string
  bodyHash: string
  /** It stands at this place of the log. */
  isAt(place: Place, offset: bigint): boolean
}

const keyShape = /^[0-9a-f]{64}$/

/** Rows with a key. Only records with more headers than the envelope has are looked at. */
export function keyedRows(rows: readonly NewRow[]): readonly Keyed[] {
  const found: Keyed[] = []
  for (const row of rows) {
    const { headers, value } = row.record
    if (headers.size <= envelopeHeaders) continue
    const key = headers.get(envelope.requestKey)?.toString('latin1')
    if (key === undefined || value === undefined || !keyShape.test(key) || row.id.includes('\0')) continue
    found.push({ row, key, bodyHash: createHash('sha256').update(value).digest('hex') })
  }
  return found
}

/** All but the key. */
const envelopeHeaders = Object.keys(envelope).length - 1

export interface ClaimOptions {
  place: Place
  table: Pick<RecordsTable, 'by'>
  keyLifeMs: number
}

/**
 * Takes the keys of these rows for their records. Waits for another transaction that takes one of them. Answers the rows
 * whose key another record has.
 */
export async function claimKeys(
  session: Session,
  rows: readonly Keyed[],
  { place, table, keyLifeMs }: ClaimOptions,
): Promise<RowOutcome[]> {
  const first = new Map(rows.toReversed().map(each => [each.key, each]))
  const holders = new Map<string, KeyHolder>()
  const taken = await session.query(claimStatement([...first.values()], place, keyLifeMs))
  for (const [key] of taken.rows) {
    const own = first.get(key ?? '')
    if (own) holders.set(own.key, holderOf(own.row.id, own.bodyHash, { ...place, offset: own.row.offset }))
  }
  const others = [...first.keys()].filter(key => !holders.has(key))
  if (others.length > 0) {
    const { rows: found } = await session.query(holdersStatement(others))
    for (const [key, id, bodyHash, topic, partition, offset] of found) {
      const at = { topic: topic ?? '', partition: Number(partition), offset: BigInt(offset ?? -1) }
      holders.set(key ?? '', holderOf(id ?? '', bodyHash ?? '', at))
    }
  }
  return losers(rows, holders, { place, table })
}

function holderOf(id: string, bodyHash: string, at: Place & { offset: bigint }): KeyHolder {
  return {
    id,
    bodyHash,
    isAt: ({ topic, partition }, offset) =>
      topic === at.topic && partition === at.partition && offset === at.offset,
  }
}

/** Gives the keys of refused records back, so that a corrected record may have them. */
export async function releaseKeys(
  session: Session,
  rows: readonly Keyed[],
  refused: readonly RowOutcome[],
): Promise<void> {
  const offsets = new Set(refused.map(({ row }) => row.offset))
  const released = rows.filter(({ row }) => offsets.has(row.offset))
  if (released.length === 0) return
  await session.query({
    text: `DELETE FROM request_keys USING json_to_recordset($1::json) AS t(key text, id text)
WHERE key_hash = decode(t.key, 'hex') AND request_keys.id = t.id`,
    values: [JSON.stringify(released.map(({ key, row }) => ({ key, id: row.id })))],
  })
}

/** Rows in log order whose key stands for another record or another body. Pure. */
function losers(
  rows: readonly Keyed[],
  holders: ReadonlyMap<string, KeyHolder>,
  { place, table }: Pick<ClaimOptions, 'place' | 'table'>,
): RowOutcome[] {
  return rows.flatMap(({ row, key, bodyHash }): RowOutcome[] => {
    const holder = holders.get(key)
    if (holder === undefined) return []
    if (holder.bodyHash !== bodyHash) return [{ row, outcome: 'key-reused', winner: holder.id }]
    // Of a natural id the table tells whether it is the same record. An id of ours may be the key itself.
    const isSame = holder.id === row.id && (table.by === 'Hash' || holder.isAt(place, row.offset))
    return isSame ? [] : [{ row, outcome: 'duplicate', winner: holder.id }]
  })
}

/** With what the others show: the same body as that of a refused record is refused, too. Pure. */
export function afterRefusals(
  lost: readonly RowOutcome[],
  refused: readonly RowOutcome[],
): readonly RowOutcome[] {
  if (lost.length === 0 || refused.length === 0) return lost
  const reasons = new Map(refused.map(({ row, ...why }) => [recordIdOf(row.record), why]))
  return lost.map(each => {
    const why = each.outcome === 'duplicate' ? reasons.get(each.winner) : undefined
    return why === undefined ? each : { row: each.row, ...why }
  })
}

/** In the order of keys: two partitions with the same keys wait for each other instead of locking each other out. */
function claimStatement(rows: readonly Keyed[], { topic, partition }: Place, keyLifeMs: number): Statement {
  const values = rows.map(({ row, key, bodyHash }) => ({
    key,
    id: row.id,
    body_hash: bodyHash,
    log_offset: String(row.offset),
  }))
  return {
    text: `INSERT INTO request_keys (key_hash, id, body_hash, topic, partition, log_offset, expires_at)
SELECT decode(key, 'hex'), id, decode(body_hash, 'hex'), $2, $3::integer, log_offset,
  now() + $4::float8 * interval '1 millisecond'
FROM json_to_recordset($1::json) AS t(key text, id text, body_hash text, log_offset bigint) ORDER BY 1
ON CONFLICT DO NOTHING RETURNING encode(key_hash, 'hex')`,
    values: [JSON.stringify(values), topic, partition, keyLifeMs],
  }
}

function holdersStatement(keys: readonly string[]): Statement {
  return {
    text: `SELECT encode(key_hash, 'hex'), id, encode(body_hash, 'hex'), topic, partition, log_offset FROM request_keys
WHERE key_hash = ANY(ARRAY(SELECT decode(key, 'hex') FROM json_array_elements_text($1::json) AS key))`,
    values: [JSON.stringify(keys)],
  }
}
