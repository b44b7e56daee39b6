/** Condition `BackupReady`: whether the database could be restored, and why not. Pure. */
import { labelKeys } from '#operator/desired/labels.ts'
import { backupName, mirrorName } from '#operator/desired/names.ts'
import { type Facts, findChild } from '#operator/reconcile/facts.ts'
import { isRestoring } from '#operator/reconcile/operations/restoring.ts'
import { answers } from '#operator/reconcile/progress.ts'
import { type Finding, fails, holds, isUnknown } from './conditions.ts'
import { nextDue } from './cron.ts'
import { kubectl } from './kubectl.ts'
import { missingSecret } from './missing-secret.ts'
import { podProblem } from './pods.ts'
import { refusedPods } from './refused-pods.ts'

const type = 'BackupReady'
/** A copy of a large database takes its time, and a failed one is tried again. */
const lateAfterMs = 6 * 3_600_000

/** Absent where no backups are wanted. */
export function backupReady(facts: Facts, now: Date): Finding[] {
  const { owner, target } = facts
  if (target.effective.backup === undefined) return []
  const name = backupName(owner.metadata.name)
  if (isRestoring(facts))
    return [
      fails(type, 'Restoring', 'the copies are being used; archiving goes on with the restored database'),
    ]
  if (target.asleep.has('postgres'))
    return [isUnknown(type, 'Hibernated', 'nothing is written, so nothing is archived; the copies stay')]
  const set = findChild(facts, 'StatefulSet', name)
  if (set === undefined) return [fails(type, 'Creating', `StatefulSet ${name} is being created`)]
  if (!answers(set)) {
    const problem = refusedPods(facts.refusals, set, 'backup') ?? podProblem(facts, 'backup')
    return [
      problem === undefined
        ? fails(type, 'NotArchiving', notYet(facts, name))
        : fails(type, problem.reason, problem.message),
    ]
  }
  return [lateness(facts, now) ?? notCopied(facts) ?? holds(type, 'Archiving', archiving(facts))]
}

const notYet = ({ owner }: Facts, name: string): string =>
  'what Postgres writes is not archived now, or the first copy is not made yet; it goes on by itself when Postgres answers. ' +
  `${kubectl(owner.metadata, `logs ${name}-0`)} tells more`

/** Why the object store does not have what the volume has; undefined where it does, or none is wanted. */
function notCopied(facts: Facts): Finding | undefined {
  const { owner, target, refusals, mirror } = facts
  const { s3 } = target.effective.backup ?? {}
  const name = mirrorName(owner.metadata.name)
  const set = findChild(facts, 'StatefulSet', name)
  if (s3 === undefined || answers(set)) return undefined
  const archived = 'What Postgres writes is archived on the volume all the same'
  if (mirror !== undefined) return fails(type, mirror.reason, `${mirror.text}. ${archived}`)
  const problem =
    missingSecret(facts, 'backup-s3') ??
    (set && refusedPods(refusals, set, 'backup-s3')) ??
    podProblem(facts, 'backup-s3')
  if (problem !== undefined) return fails(type, problem.reason, `${problem.message}. ${archived}`)
  const tells = `${kubectl(owner.metadata, `logs ${name}-0`)} tells more`
  return fails(
    type,
    'StoreBehind',
    `bucket ${s3.bucket} at ${s3.endpoint} is not written now; ${tells}. ${archived}`,
  )
}

const cronJob = (facts: Facts) => findChild(facts, 'CronJob', backupName(facts.owner.metadata.name))

function lastCopy(facts: Facts): string | undefined {
  const value = cronJob(facts)?.status?.['lastSuccessfulTime']
  return typeof value === 'string' ? value : undefined
}

function archiving(facts: Facts): string {
  const last = lastCopy(facts)
  const copy =
    last === undefined ? 'the first copy was made when archiving began' : `last copy by schedule ${last}`
  const { s3 } = facts.target.effective.backup ?? {}
  const places = s3 && `, and copied to bucket ${s3.bucket} at ${s3.endpoint}, prefix ${s3.prefix}`
  return `every change is archived as it happens${places ?? ''}; ${copy}. Each copy was proved by restoring it`
}

/**
 * The first copy that was due after the last good one. When the CronJob last made a Job tells nothing of it: one that fails
 * is followed by the next.
 */
function lateness(facts: Facts, now: Date): Finding | undefined {
  const done = lastCopy(facts)
  const since = Date.parse(done ?? cronJob(facts)?.metadata.creationTimestamp ?? '')
  const { schedule = '' } = facts.target.effective.backup ?? {}
  const due = Number.isNaN(since)
    ? undefined
    : nextDue(schedule, new Date(Math.max(since, awakeSince(facts))))
  if (due === undefined || now.getTime() - due.getTime() < lateAfterMs) return undefined
  const { metadata } = facts.owner
  const jobs = `-l app.kubernetes.io/instance=${metadata.name},app.kubernetes.io/component=backup-job`
  return fails(
    type,
    'BackupLate',
    `the copy that was due at ${due.toISOString().replace('.000Z', 'Z')} is not made (the one before: ` +
      `${done ?? 'none by schedule'}); changes are archived all the same. ${kubectl(metadata, `logs ${jobs}`)} tells why; ` +
      'the volume of backups may be full (spec.backup.volume.size)',
  )
}

/** While it hibernates no copy is due. The oldest pod of Postgres is not older than its awakening; 0 without one. */
function awakeSince({ pods }: Facts): number {
  const created = pods
    .filter(({ metadata }) => metadata.labels[labelKeys.component] === 'postgres')
    .map(({ metadata }) => Date.parse(metadata.creationTimestamp ?? ''))
    .filter(time => !Number.isNaN(time))
  return created.length === 0 ? 0 : Math.min(...created)
}
