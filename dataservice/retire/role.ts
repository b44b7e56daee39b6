/** The role `retire`: a Job that ends when the passwords of the turn before open nothing any more. */
import { setTimeout as delay } from 'node:timers/promises'
import { jobOf, type RoleContext, type Running } from '#dataservice/platform/lifecycle.ts'
import type { Database } from '#dataservice/platform/postgres/database.ts'
import { untilReachable } from '#dataservice/platform/postgres/reachable.ts'
import { isRetired, type Retired } from './retired.ts'

export interface RetirePorts extends Retired {
  /** As the owner of the turn that goes on. */
  database: Database
  /** How many passwords open each Redis of ours; absent: there is none. */
  passwordsOfCaches?: () => Promise<number[]>
}

const pollMs = 1_000

export async function start(
  { log, signal }: Pick<RoleContext, 'log' | 'signal'>,
  { database, passwordsOfCaches, ...who }: RetirePorts,
): Promise<Running> {
  const work = async () => {
    await untilReachable(database, { signal })
    while (!(await isRetired(database, who))) await delay(pollMs, undefined, { signal })
    log.info('Postgres lets nobody in with earlier passwords')
    while ((await passwordsOfCaches?.())?.some(count => count !== 1))
      await delay(pollMs, undefined, { signal })
    log.info('nor does Redis')
  }
  return jobOf(work())
}
