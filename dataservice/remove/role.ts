/** The role `remove`: a Job that takes away what a DataService that goes has at engines of others. */

import { leaveLastWords } from '#dataservice/platform/last-words.ts'
import { jobOf, type RoleContext, type Running } from '#dataservice/platform/lifecycle.ts'
import { Refused } from '#dataservice/platform/refused.ts'

export interface RemovePorts {
  /** Rejects with `Refused` where only a person can help. */
  remove: () => Promise<void>
}

export async function start({ log }: Pick<RoleContext, 'log'>, { remove }: RemovePorts): Promise<Running> {
  const work = async () => {
    await remove()
    log.info('nothing of this DataService is left at engines of others')
  }
  return jobOf(
    work().catch((error: unknown) => {
      if (error instanceof Refused) leaveLastWords(error)
      throw error
    }),
  )
}
