/** The role `maintain`: a CronJob that keeps partitions ahead of time and drops those beyond the retention. */
import type { RoleContext, Running } from '#dataservice/platform/lifecycle.ts'
import type { Database } from '#dataservice/platform/postgres/database.ts'
import { untilReachable } from '#dataservice/platform/postgres/reachable.ts'
import { maintain } from './maintain.ts'

export interface MaintainPorts {
  /** As the owner, without a limit on statements. */
  database: Database
}

export async function start(context: RoleContext, { database }: MaintainPorts): Promise<Running> {
  const { settings, log, signal } = context
  const work = async () => {
    const { partitioning } = settings
    if (partitioning.by === 'Hash') {
      log.info({ partitions: partitioning.partitions }, 'partitions by hash need no maintenance')
      return
    }
    await untilReachable(database, { signal })
    const report = await maintain({ database, partitioning, log })
    const daysAhead = Math.round(report.daysAhead * 10) / 10
    log.info({ dropped: report.dropped, daysAhead }, 'the partitions are as they should be')
  }
  const done = work()
  return {
    notReady: () => undefined,
    behindService: false,
    stop: () => done.catch(() => undefined),
    done,
  }
}
