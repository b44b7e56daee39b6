/** The role `migrate`: a Job that makes the tables before anything reads or writes them. */
import { verdictLine } from '#dataservice/contract/restored.ts'
import type { Settings } from '#dataservice/contract/settings.ts'
import { leaveLastWords, leaveReport } from '#dataservice/platform/last-words.ts'
import { jobOf, type RoleContext, type Running } from '#dataservice/platform/lifecycle.ts'
import type { Database } from '#dataservice/platform/postgres/database.ts'
import { untilReachable } from '#dataservice/platform/postgres/reachable.ts'
import { Refused, refusalOf } from '#dataservice/platform/refused.ts'
import { RetainedDataDiffers } from './facts.ts'
import { fitToLog, migrate } from './migrate.ts'
import type { RebaseLog } from './rebase.ts'

export interface MigratePorts {
  /** As the owner, without a limit on statements. */
  database: Database
  events: RebaseLog
  /** What has to be there before the owner of the tables can come in, where others run Postgres. */
  prepare?: () => Promise<void>
  /** Makes the topics, or looks at them, where others run Kafka; once the tables are there. Rejects with `Refused`. */
  topics?: () => Promise<void>
}

export async function start(
  context: RoleContext,
  { database, events, prepare, topics }: MigratePorts,
): Promise<Running> {
  const { settings, record, log, signal } = context
  const work = async () => {
    await prepare?.()
    await untilReachable(database, { signal })
    await migrate({ database, settings, record, log, signal })
    await topics?.()
    const verdict = await fitToLog({ database, settings, signal }, events)
    if (verdict) leaveReport(verdictLine(verdict))
    log.info({ schemaVersion: record.schemaVersion }, 'the database is ready')
  }
  return jobOf(
    work().catch((error: unknown) => {
      const told = toldError(error, settings.store)
      if (told instanceof RetainedDataDiffers)
        leaveLastWords({ reason: 'RetainedDataDiffers', text: told.text })
      if (told instanceof Refused) leaveLastWords(told)
      throw told
    }),
  )
}

/** What goes wrong at a Postgres of others is told with where it is. */
function toldError(error: unknown, { access, primary }: Settings['store']): unknown {
  if (access === undefined || error instanceof Refused) return error
  return refusalOf(error, `Postgres ${primary.host}:${primary.port}`) ?? error
}
