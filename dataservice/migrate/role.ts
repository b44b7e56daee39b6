/** The role `migrate`: a Job that makes the tables before anything reads or writes them. */
import { verdictLine } from '#dataservice/contract/restored.ts'
import { leaveLastWords, leaveReport } from '#dataservice/platform/last-words.ts'
import type { RoleContext, Running } from '#dataservice/platform/lifecycle.ts'
import type { Database } from '#dataservice/platform/postgres/database.ts'
import { untilReachable } from '#dataservice/platform/postgres/reachable.ts'
import { RetainedDataDiffers } from './facts.ts'
import { migrate } from './migrate.ts'
import type { RebaseLog } from './rebase.ts'

export interface MigratePorts {
  /** As the owner, without a limit on statements. */
  database: Database
  events: RebaseLog
}

export async function start(context: RoleContext, { database, events }: MigratePorts): Promise<Running> {
  const { settings, record, log, signal } = context
  const work = async () => {
    await untilReachable(database, { signal })
    const verdict = await migrate({ database, settings, record, log, signal, events })
    if (verdict) leaveReport(verdictLine(verdict))
    log.info({ schemaVersion: record.schemaVersion }, 'the database is ready')
  }
  const done = work().catch((error: unknown) => {
    if (error instanceof RetainedDataDiffers)
      leaveLastWords({ reason: 'RetainedDataDiffers', text: error.text })
    throw error
  })
  return {
    notReady: () => undefined,
    behindService: false,
    stop: () => done.catch(() => undefined),
    done,
  }
}
