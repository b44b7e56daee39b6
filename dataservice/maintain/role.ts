/**
 * The role `maintain`: a CronJob that keeps partitions ahead of time, drops those beyond the retention, and forgets what
 * is kept for a time only.
 */
import { jobOf, type RoleContext, type Running } from '#dataservice/platform/lifecycle.ts'
import type { Database } from '#dataservice/platform/postgres/database.ts'
import { timedTable } from '#dataservice/platform/postgres/partitions.ts'
import { untilReachable } from '#dataservice/platform/postgres/reachable.ts'
import { outcomeLifeMs } from '#dataservice/record/outcome-life.ts'
import { forgetOld } from './forget.ts'
import { maintain } from './maintain.ts'

export interface MaintainPorts {
  /** As the owner, without a limit on statements. */
  database: Database
}

export async function start(context: RoleContext, { database }: MaintainPorts): Promise<Running> {
  const { settings, log, signal } = context
  const work = async () => {
    const { partitioning } = settings
    await untilReachable(database, { signal })
    const timed = timedTable(partitioning)
    const retainMs = timed?.retainMs
    const outcomesMs = outcomeLifeMs(settings.log.retentionMs)
    const kept = { outcomesMs, ...(retainMs !== undefined && { recordsMs: retainMs }) }
    log.info(await forgetOld(database, kept), 'what was kept for a time is gone')
    if (timed === undefined) {
      log.info('partitions by hash need no maintenance')
      return
    }
    const report = await maintain({ database, partitioning: timed, log })
    const daysAhead = Math.round(report.daysAhead * 10) / 10
    log.info({ dropped: report.dropped, daysAhead }, 'the partitions are as they should be')
  }
  return jobOf(work())
}
