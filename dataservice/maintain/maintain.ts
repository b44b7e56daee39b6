/** The life of partitions: made ahead of time, detached and dropped behind the retention. */
import type { Logger } from 'pino'
import type { Database } from '#dataservice/platform/postgres/database.ts'
import {
  intervals,
  partitionAnswer,
  partitionPrefix,
  premakeSql,
  type TimedTable,
} from '#dataservice/platform/postgres/partitions.ts'
import { quoted } from '#dataservice/platform/postgres/record-fields.ts'
import type { Session } from '#dataservice/platform/postgres/session.ts'

export interface MaintainOptions {
  /** As the owner, without a limit on statements. */
  database: Database
  partitioning: TimedTable
  log: Logger
}

export interface MaintainReport {
  /** Names of partitions that went, oldest first. */
  dropped: readonly string[]
  /** Days from now for which partitions stand ready. */
  daysAhead: number
}

/** Rejects when a partition could not be made or dropped; what was done before stays done. */
export async function maintain({ database, partitioning, log }: MaintainOptions): Promise<MaintainReport> {
  return database.use(async session => {
    const { rows } = await session.query(premakeSql(partitioning))
    const refused = rows.map(([answer]) => partitionAnswer(answer)).filter(answer => answer !== 'ready')
    if (refused.length > 0) throw new Error(`partitions made ahead were refused: ${refused.join(', ')}`)
    const dropped = await dropExpired(session, partitioning, log)
    return { dropped, daysAhead: await daysAhead(session, partitioning) }
  })
}

/**
 * Tables whose whole interval lies beyond the retention: still a partition, half detached (a run was cut off), or
 * detached and not yet dropped. Their time is read from their names, which works for all three.
 */
function expiredSql({ table, interval }: TimedTable, retainMs: number): string {
  const { width, label, digits } = intervals[interval]
  const prefix = partitionPrefix({ table })
  const start = `to_timestamp(substr(c.relname, ${prefix.length + 1}), '${label}')`
  return `SELECT c.relname, h.inhrelid IS NOT NULL, coalesce(h.inhdetachpending, false)
FROM pg_class c LEFT JOIN pg_inherits h ON h.inhrelid = c.oid AND h.inhparent = '${table}'::regclass
WHERE c.relnamespace = (SELECT relnamespace FROM pg_class WHERE oid = '${table}'::regclass) AND c.relkind = 'r'
  AND CASE WHEN c.relname ~ '^${prefix}[0-9]{${digits}}$'
    THEN ${start} + interval '${width}' <= now() - ${retainMs} * interval '1 millisecond' ELSE false END
ORDER BY c.relname`
}

/** Reads go on meanwhile: detaching concurrently needs no lock that they would wait for. */
async function dropExpired(session: Session, partitioning: TimedTable, log: Logger): Promise<string[]> {
  if (partitioning.retainMs === undefined) return []
  const dropped: string[] = []
  const { rows } = await session.query(expiredSql(partitioning, partitioning.retainMs))
  for (const [name, attached, pending] of rows) {
    if (!name) continue
    const partition = quoted(name)
    if (attached === 't') {
      const how = pending === 't' ? 'FINALIZE' : 'CONCURRENTLY'
      await session.query(`ALTER TABLE ${partitioning.table} DETACH PARTITION ${partition} ${how}`)
    }
    await session.query(`DROP TABLE ${partition}`)
    log.info({ partition: name }, 'a partition beyond the retention is gone')
    dropped.push(name)
  }
  return dropped
}

/** Days until the first interval without a partition, counted up to one interval beyond those made ahead. */
async function daysAhead(session: Session, { table, interval, premake }: TimedTable): Promise<number> {
  const { unit, width, label } = intervals[interval]
  const horizon = `date_trunc('${unit}', now()) + ${premake} * interval '${width}'`
  const { rows } = await session.query(`SELECT extract(epoch FROM
    coalesce(min(start), ${horizon} + interval '${width}') - now()) / 86400
FROM generate_series(date_trunc('${unit}', now()), ${horizon}, interval '${width}') AS start
WHERE NOT EXISTS (SELECT FROM pg_inherits WHERE inhparent = '${table}'::regclass
  AND inhrelid = to_regclass('${partitionPrefix({ table })}' || to_char(start, '${label}')))`)
  return Number(rows[0]?.[0] ?? 0)
}
