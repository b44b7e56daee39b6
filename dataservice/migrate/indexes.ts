/** The indexes that a service declares, made without stopping writes. */
import type { Logger } from 'pino'
import type { DeclaredIndex } from '#dataservice/contract/record-declaration.ts'
import type { TableKind } from '#dataservice/platform/postgres/partitions.ts'
import { indexDefinition, indexMethods, quoted } from '#dataservice/platform/postgres/record-fields.ts'
import type { Session } from '#dataservice/platform/postgres/session.ts'

/** Partitions that lack their part of an index, oldest first. `$1`: name of the parent's index. */
const partitionsWithout = `SELECT p.relname
FROM pg_inherits h JOIN pg_class p ON p.oid = h.inhrelid
WHERE h.inhparent = 'records'::regclass AND NOT h.inhdetachpending AND NOT EXISTS (
  SELECT FROM pg_index i JOIN pg_inherits part ON part.inhrelid = i.indexrelid
  WHERE i.indrelid = p.oid AND part.inhparent = to_regclass($1))
ORDER BY p.relname`

/**
 * Makes the index on the parent alone, then on each partition while writes go on, and attaches the parts; with the
 * last one the whole index turns valid. A run that was cut off is taken up where it ended.
 */
export async function ensureIndex(
  session: Session,
  index: DeclaredIndex,
  { by, log }: { by: TableKind; log: Logger },
): Promise<void> {
  const name = quoted(index.name)
  const definition = indexDefinition(index, by)
  await session.query(`CREATE INDEX IF NOT EXISTS ${name} ON ONLY records ${definition}`)
  for (;;) {
    const { rows } = await session.query({ text: partitionsWithout, values: [name] })
    const partition = rows[0]?.[0]
    if (!partition) return
    const part = quoted(partName(partition, index))
    await session.query(`DROP INDEX IF EXISTS ${part}`)
    await session.query(`CREATE INDEX CONCURRENTLY ${part} ON ${quoted(partition)} ${definition}`)
    // Autovacuum would not come to a partition that gets no more records.
    if (indexMethods[index.use].needsStatistics) await session.query(`ANALYZE ${quoted(partition)}`)
    await session.query(`ALTER INDEX ${name} ATTACH PARTITION ${part}`)
    log.info({ index: index.name, partition }, 'a partition has its part of the index')
  }
}

/** `records_p20261121` and `records_by_1a2b3c4d` make `records_p20261121_by_1a2b3c4d`. */
function partName(partition: string, { name }: DeclaredIndex): string {
  return `${partition}_${name.replace(/^records_/, '')}`
}
