/** The role `retire`: a Job that ends when the users whose turn is over are shut out of Postgres. */
import type { RoleContext, Running } from '#dataservice/platform/lifecycle.ts'
import type { Database } from '#dataservice/platform/postgres/database.ts'
import { untilReachable } from '#dataservice/platform/postgres/reachable.ts'
import { untilRetired } from './retired.ts'

export interface RetirePorts {
  /** As the owner of the turn that goes on. */
  database: Database
  /** Names of the users of the other turn. */
  retired: readonly string[]
}

export async function start(
  { log, signal }: Pick<RoleContext, 'log' | 'signal'>,
  { database, retired }: RetirePorts,
): Promise<Running> {
  const work = async () => {
    await untilReachable(database, { signal })
    await untilRetired(database, retired, { signal })
    log.info({ retired }, 'nobody comes in as these users any more')
  }
  const done = work()
  return {
    notReady: () => undefined,
    behindService: false,
    stop: () => done.catch(() => undefined),
    done,
  }
}
