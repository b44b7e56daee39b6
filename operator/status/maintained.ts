/** Condition `Maintained`: whether the hourly work on the tables is done, and what follows when it is not. Pure. */
import { maintainName } from '#operator/desired/names.ts'
import { partitioningOf } from '#operator/desired/partitioning.ts'
import { type Facts, findChild } from '#operator/reconcile/facts.ts'
import { hibernates } from '#operator/reconcile/lifecycle/hibernates.ts'
import { type Finding, fails, holds, isUnknown } from './conditions.ts'
import { kubectl } from './kubectl.ts'

const type = 'Maintained'
const hourMs = 3_600_000
/** Two runs may fail or be late: the next one does all that is due. */
const lateAfterMs = 3 * hourMs
/** Partitions left ahead at which waiting for the next run is over. */
const fewLeft = 2
const intervalMs = { Hour: hourMs, Day: 24 * hourMs, Month: 28 * 24 * hourMs } as const

export function maintained(facts: Facts, now: Date): Finding {
  const { metadata } = facts.owner
  const { name } = metadata
  const job = findChild(facts, 'CronJob', maintainName(name))
  // A CronJob that never succeeded counts from its beginning: migration has made the first partitions.
  const success = job?.status?.['lastSuccessfulTime'] ?? job?.metadata.creationTimestamp
  if (typeof success !== 'string') return isUnknown(type, 'WaitingForDatabase', 'its CronJob is not made yet')
  if (hibernates(facts.owner))
    return isUnknown(type, 'Hibernated', 'paused; what is due is done after it wakes')
  const lateMs = now.getTime() - Math.max(Date.parse(success), wokenAt(facts))
  if (lateMs < lateAfterMs)
    return holds(type, 'RunsHourly', 'partitions are made ahead, and what is too old is removed, every hour')
  const left = partitionsLeft(facts, lateMs)
  const remedy =
    `see what failed: ${kubectl(metadata, `get jobs,pods | grep ${maintainName(name)}`)}, and run it at once: ` +
    kubectl(metadata, `create job --from=cronjob/${maintainName(name)} maintain-now`)
  const since = `CronJob ${maintainName(name)} has not succeeded since ${success}, so nothing that is too old is removed`
  if (left !== undefined && left <= fewLeft)
    return fails(
      type,
      'PartitionsRunOut',
      `${since} and ${left} partitions are left ahead (the writer makes a missing one itself, while records wait); ${remedy}`,
    )
  return fails(type, 'MaintenanceLate', `${since}; ${remedy}`)
}

/** While it hibernates nothing is late; from then on the condition is True, and that counts from its beginning. */
function wokenAt({ owner }: Facts): number {
  const before = owner.status?.conditions?.find(condition => condition.type === type)
  if (before?.reason === 'Hibernated') return Number.POSITIVE_INFINITY
  return before?.status === 'True' ? Date.parse(before.lastTransitionTime) : 0
}

/** Partitions by time that are still ahead; undefined for partitions by hash, which are all there. */
function partitionsLeft({ owner }: Facts, lateMs: number): number | undefined {
  const partitioning = partitioningOf(owner.spec)
  const timed = partitioning.by === 'Time' ? partitioning : partitioning.history
  return timed && Math.max(0, timed.premake - Math.floor(lateMs / intervalMs[timed.interval]))
}
