/** The role `maintain`: a CronJob that keeps partitions ahead of time and drops those beyond the retention. */
import type { RoleContext, Running } from '#dataservice/platform/lifecycle.ts'
import type { Database } from '#dataservice/platform/postgres/database.ts'
import { maintain } from './maintain.ts'

export interface MaintainPorts {
  /** As the owner, without a limit on statements. */
  database: Database
}

export async function start(context: RoleContext, { database }: MaintainPorts): Promise<Running> {
  const { settings, log } = context
  const done = maintain({ database, partitioning: settings.partitioning, log }).then(
    ({ dropped, daysAhead }) => {
      log.info(
        { dropped, daysAhead: Math.round(daysAhead * 10) / 10 },
        'the partitions are as they should be',
      )
    },
  )
  return {
    notReady: () => undefined,
    behindService: false,
    stop: () => done.catch(() => undefined),
    done,
  }
}
