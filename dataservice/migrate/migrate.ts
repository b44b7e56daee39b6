/**
 * Brings the database to what the service declares. May run any number of times, also two at once: a lock lets one
 * at a time work, and what stands already is left alone.
 */
import type { Logger } from 'pino'
import type { AcceptedRecord } from '#dataservice/contract/record-declaration.ts'
import type { LogVerdict } from '#dataservice/contract/restored.ts'
import type { Settings } from '#dataservice/contract/settings.ts'
import type { Database } from '#dataservice/platform/postgres/database.ts'
import { premakeSql, tableKind, timedTable } from '#dataservice/platform/postgres/partitions.ts'
import { quoted } from '#dataservice/platform/postgres/record-fields.ts'
import type { Session } from '#dataservice/platform/postgres/session.ts'
import { alone } from './alone.ts'
import { ensurePartitionSql } from './ensure-partition.ts'
import { differences, type Facts, factsOf, RetainedDataDiffers } from './facts.ts'
import { grantStatements } from './grants.ts'
import { ensureIndex } from './indexes.ts'
import { noteBeginnings, type RebaseLog, rebase } from './rebase.ts'
import { lastVersionStatement } from './schema-versions.ts'
import { type Step, stepsAfter, stepsFor } from './tables.ts'

export interface MigrateOptions {
  /** As the owner, without a limit on statements. */
  database: Database
  settings: Settings
  record: Pick<AcceptedRecord, 'schemaVersion' | 'indexes'>
  log: Logger
  signal: AbortSignal
}

/** Rejects when the stored data belongs to a service declared otherwise, or when the database cannot be changed. */
export function migrate(options: MigrateOptions): Promise<void> {
  const { record, log } = options
  const { partitioning } = options.settings
  return alone(options, async session => {
    await inTransaction(session, () => describe(session, options))
    const by = tableKind(partitioning)
    for (const index of record.indexes) await ensureIndex(session, index, { by, log })
    const timed = timedTable(partitioning)
    if (timed) await session.query(premakeSql(timed))
  })
}

/**
 * Once tables and topics are there: brings the positions in the tables to the log, which is asked only where one of both
 * is another one than before. Answers what came of it the last time; undefined when there was none.
 */
export function fitToLog(
  options: Pick<MigrateOptions, 'database' | 'settings' | 'signal'>,
  events: RebaseLog,
): Promise<LogVerdict | undefined> {
  const { eventsTopic: topic, partitions } = options.settings.log
  return alone(options, async session => {
    let verdict: LogVerdict | undefined
    await inTransaction(session, async () => {
      verdict = await rebase(session, { topic, log: events, partitions })
    })
    return verdict
  })
}

/** Tables, function, grants and facts: everything that fits into one transaction. */
async function describe(session: Session, { settings, record, log }: MigrateOptions): Promise<void> {
  const { partitioning, store, beginnings } = settings
  const { schema } = store
  // Asked first: on a server of others the owner of the schema may make none, not even one that is there.
  const known = { text: 'SELECT FROM pg_namespace WHERE nspname = $1', values: [schema] }
  if ((await session.query(known)).count === 0) await session.query(`CREATE SCHEMA ${quoted(schema)}`)
  await applySteps(session, stepsFor(partitioning), log)
  const declared = factsOf(settings, record.schemaVersion)
  const different = differences(await storedFacts(session), declared)
  if (different.length > 0) {
    throw new RetainedDataDiffers(different)
  }
  await storeFacts(session, declared)
  if (beginnings !== undefined) await noteBeginnings(session, beginnings)
  await session.query(lastVersionStatement(record.schemaVersion))
  const timed = timedTable(partitioning)
  if (timed) await session.query(ensurePartitionSql(schema, timed))
  for (const statement of grantStatements(store, tableKind(partitioning))) await session.query(statement)
}

async function applySteps(session: Session, steps: readonly Step[], log: Logger): Promise<void> {
  await session.query(`CREATE TABLE IF NOT EXISTS migrations (
  version integer PRIMARY KEY, name text NOT NULL, applied_at timestamptz NOT NULL DEFAULT now())`)
  const { rows } = await session.query('SELECT coalesce(max(version), 0) FROM migrations')
  for (const { version, name, statements } of stepsAfter(Number(rows[0]?.[0] ?? 0), steps)) {
    for (const statement of statements) await session.query(statement)
    await session.query({
      text: 'INSERT INTO migrations (version, name) VALUES ($1, $2)',
      values: [version, name],
    })
    log.info({ version, step: name }, 'the tables are one step further')
  }
}

async function storedFacts(session: Session): Promise<Facts> {
  const { rows } = await session.query('SELECT name, value FROM service_facts')
  return new Map(rows.map(([name, value]) => [name ?? '', value ?? '']))
}

async function storeFacts(session: Session, facts: Facts): Promise<void> {
  const text = `INSERT INTO service_facts AS f (name, value) VALUES ($1, $2)
ON CONFLICT (name) DO UPDATE SET value = excluded.value WHERE f.value <> excluded.value`
  for (const [name, value] of facts) await session.query({ text, values: [name, value] })
}

async function inTransaction(session: Session, work: () => Promise<void>): Promise<void> {
  await session.query('BEGIN')
  try {
    await work()
    await session.query('COMMIT')
  } catch (error) {
    await session.query('ROLLBACK')
    throw error
  }
}
