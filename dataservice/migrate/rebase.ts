/**
 * After a restore the tables are older than the log, which the writers then read again from the positions in the tables.
 * Where the log is another one by now, or begins later, the positions move to its start, and what is lost is counted.
 */
import {
  type LogVerdict,
  type Reached,
  type ReachedPosition,
  restoredFacts,
} from '#dataservice/contract/restored.ts'
import type { LogConsumer, LogRange } from '#dataservice/platform/kafka/port.ts'
import type { Session } from '#dataservice/platform/postgres/session.ts'
import { envelope } from '#dataservice/record/envelope.ts'

export type RebaseLog = Pick<LogConsumer, 'range' | 'recordAt' | 'clusterId'>

/** Of one partition, in the tables or as it was before. */
export interface Position {
  partition: number
  clusterId: string
  nextOffset: bigint
  lastId: string | null
}

/** The log of one partition as it is now. */
export interface SeenLog {
  clusterId: string
  range: LogRange
  /** Event id of the record at an offset; undefined when the log does not hold it. */
  idAt: (offset: bigint) => Promise<string | undefined>
}

/** Whether a position was read from this log, as far as the log can tell. */
async function fits({ clusterId, nextOffset, lastId }: Position, log: SeenLog): Promise<boolean> {
  const { start, end } = log.range
  if (nextOffset === 0n) return true
  if (clusterId !== log.clusterId || nextOffset > end) return false
  if (nextOffset <= start || lastId === null) return true
  return (await log.idAt(nextOffset - 1n)) === lastId
}

/** What a partition goes on with. */
export interface Move {
  /** Undefined: it stays where it is. */
  to?: bigint
  lost: bigint
}

/** `reached`: where it had been before the restore, if that is known. */
export async function judge(stored: Position, reached: Position | undefined, log: SeenLog): Promise<Move> {
  const probes = reached === undefined ? [stored] : [stored, reached]
  const verdicts = await Promise.all(probes.map(position => fits(position, log)))
  const { start } = log.range
  if (verdicts.includes(false)) {
    const ahead = (reached?.nextOffset ?? 0n) - stored.nextOffset
    return { to: start, lost: ahead > 0n ? ahead : 0n }
  }
  return start > stored.nextOffset ? { to: start, lost: start - stored.nextOffset } : { lost: 0n }
}

const beginningsFact = 'log.beginnings'

/**
 * The log or the database is another one than before, and somebody wanted that: the positions are looked at as after a
 * restore. In a transaction; once for each number.
 */
export async function noteBeginnings(session: Session, beginnings: number): Promise<void> {
  if ((await fact(session, beginningsFact)) === String(beginnings)) return
  for (const [name, value] of [
    [beginningsFact, String(beginnings)],
    [restoredFacts.reached, 'null'],
  ])
    await session.query({
      text: `INSERT INTO service_facts AS f (name, value) VALUES ($1, $2)
ON CONFLICT (name) DO UPDATE SET value = excluded.value WHERE f.name = $3`,
      values: [name ?? '', value ?? '', beginningsFact], // how far it was before a restore is known better
    })
}

/** Kafka is asked about each partition in turn while the transaction is open: 256 of them may take minutes. */
const patience = "SET LOCAL idle_in_transaction_session_timeout = '10min'"

/** In a transaction. Undefined when there was no restore; what was found before is told again. */
export async function rebase(
  session: Session,
  { topic, log, partitions }: { topic: string; log: RebaseLog; partitions: number },
): Promise<LogVerdict | undefined> {
  const told = await fact(session, restoredFacts.reached)
  if (told === undefined)
    return JSON.parse((await fact(session, restoredFacts.result)) ?? 'null') ?? undefined
  await session.query(patience)
  const reached: Reached | null = JSON.parse(told)
  const before = new Map(
    (reached?.positions ?? [])
      .filter(each => each.topic === topic)
      .map(each => [each.partition, positionOf(each)]),
  )
  const stored = await storedPositions(session, topic)
  const clusterId = await log.clusterId()
  const verdict = { moved: 0, lost: 0 }
  const all = Array.from({ length: partitions }, (_, partition) => partition)
  for (const partition of new Set([...stored.keys(), ...before.keys(), ...all])) {
    const old = before.get(partition)
    const position = stored.get(partition) ?? { ...nowhere, partition, clusterId }
    const seen: SeenLog = { clusterId, range: await log.range(partition), idAt: idIn(log, partition) }
    const { to, lost } = await judge(position, old, seen)
    verdict.lost += Number(lost)
    if (to === undefined) continue
    verdict.moved += 1
    await move(session, { topic, partition, clusterId, to })
  }
  const result: LogVerdict = {
    ...verdict,
    ...(verdict.moved > 0 && reached !== null && { countedUntil: reached.at }),
  }
  await conclude(session, result)
  return result
}

const nowhere = { nextOffset: 0n, lastId: null }

const positionOf = ({ partition, clusterId, nextOffset, lastId }: ReachedPosition): Position => ({
  partition,
  clusterId,
  nextOffset: BigInt(nextOffset),
  lastId,
})

/** As the writer stores it: Postgres takes every character in a text but U+0000. */
const idIn = (log: RebaseLog, partition: number) => async (offset: bigint) => {
  const record = await log.recordAt(partition, offset)
  return record?.headers.get(envelope.eventId)?.toString().replaceAll('\0', '\ufffd')
}

async function fact(session: Session, name: string): Promise<string | undefined> {
  const { rows } = await session.query({
    text: 'SELECT value FROM service_facts WHERE name = $1',
    values: [name],
  })
  return rows[0]?.[0] ?? undefined
}

async function storedPositions(session: Session, topic: string): Promise<Map<number, Position>> {
  const { rows } = await session.query({
    text: 'SELECT partition, cluster_id, next_offset, last_id FROM ingest_offsets WHERE topic = $1',
    values: [topic],
  })
  return new Map(
    rows.map(([partition, clusterId, nextOffset, lastId]) => [
      Number(partition),
      {
        partition: Number(partition),
        clusterId: clusterId ?? '',
        nextOffset: BigInt(nextOffset ?? 0),
        lastId: lastId ?? null,
      },
    ]),
  )
}

/** What became of records at offsets of the old log is told by the tables no more: the same offsets are others now. */
async function move(
  session: Session,
  { topic, partition, clusterId, to }: { topic: string; partition: number; clusterId: string; to: bigint },
): Promise<void> {
  await session.query({
    text: `INSERT INTO ingest_offsets AS o (topic, partition, next_offset, cluster_id, epoch, claimed_by)
VALUES ($1, $2, $3, $4, 1, 'restore') ON CONFLICT (topic, partition) DO UPDATE
SET next_offset = excluded.next_offset, cluster_id = excluded.cluster_id, last_id = NULL, epoch = o.epoch + 1,
claimed_by = excluded.claimed_by`,
    values: [topic, partition, to, clusterId],
  })
  await session.query({
    text: 'DELETE FROM outcomes WHERE topic = $1 AND partition = $2',
    values: [topic, partition],
  })
}

async function conclude(session: Session, result: LogVerdict): Promise<void> {
  await session.query({ text: 'DELETE FROM service_facts WHERE name = $1', values: [restoredFacts.reached] })
  await session.query({
    text: `INSERT INTO service_facts (name, value) VALUES ($1, $2)
ON CONFLICT (name) DO UPDATE SET value = excluded.value`,
    values: [restoredFacts.result, JSON.stringify(result)],
  })
}
