/** The status of operations, derived at the end of a run. One that is over never changes any more. Pure. */
import {
  isOver,
  type Operation,
  type OperationStatus,
  type Phase,
  requestedByAnnotation,
} from '#crds/v1alpha1/operation.ts'
import type { Condition } from '#crds/v1alpha1/status.ts'
import { parseVerdict } from '#dataservice/contract/restored.ts'
import { canonicalText, isPlainObject } from '#operator/desired/hash.ts'
import { migrateName, postgresPod } from '#operator/desired/names.ts'
import type { ObservedChild } from '#operator/desired/target.ts'
import type { Facts } from '#operator/reconcile/facts.ts'
import { jobMessage } from '#operator/reconcile/last-words.ts'
import { isGivenUp, obstacle } from '#operator/reconcile/operations/at-work.ts'
import { copyIn } from '#operator/reconcile/operations/last-copy.ts'
import { chosen, stillToCome } from '#operator/reconcile/operations/promoting.ts'
import { isRestoring, jobOf } from '#operator/reconcile/operations/restoring.ts'
import type { Plan } from '#operator/reconcile/plan.ts'
import { jobEnd } from '#operator/reconcile/progress.ts'
import { type Finding, fails, holds, stamped } from './conditions.ts'

interface Verdict extends Pick<OperationStatus, 'backup' | 'restore' | 'promote'> {
  phase: Phase
  message: string
}

/** Those whose status differs from what it should be, with the new one. */
export function changedOperations(run: Run): Operation[] {
  return run.facts.operations
    .filter(operation => !isOver(operation))
    .flatMap(operation => changed(operation, verdictOn(operation, run), run.now))
}

interface Run {
  facts: Facts
  plan: Plan
  now: Date
  /** Condition Ready of the DataService, as this run leaves it. */
  ready: Pick<Condition, 'status' | 'message'>
}

/** Operations on a DataService that is not there. */
export const orphanedOperations = (operations: readonly Operation[], now: Date): Operation[] =>
  operations
    .filter(operation => !isOver(operation))
    .flatMap(operation => changed(operation, verdictWithout(operation), now))

const verdictWithout = ({ spec, metadata }: Operation): Verdict =>
  spec.cancel
    ? cancelled
    : {
        phase: 'Pending',
        message:
          `there is no DataService ${spec.dataService} in namespace ${metadata.namespace}: create it, or correct ` +
          'spec.dataService in another operation',
      }

const cancelled: Verdict = { phase: 'Cancelled', message: 'it was cancelled by spec.cancel' }

function verdictOn(operation: Operation, run: Run): Verdict {
  const { facts, plan } = run
  const { owner, target } = facts
  const { name } = owner.metadata
  if (isGivenUp(operation, facts)) return cancelled
  const { type } = operation.spec
  if (type !== 'Promote' && target.effective.backup === undefined)
    return {
      phase: 'Failed',
      message: `spec.backup of DataService ${name} is not set: set it, then create another operation`,
    }
  if (facts.operation?.metadata.uid !== operation.metadata.uid)
    return { phase: 'Pending', message: `waits until operation ${facts.operation?.metadata.name} is over` }
  if (type === 'Promote') return promotionVerdict(operation, run)
  if (operation.status?.restore !== undefined) return afterRestore(operation.status.restore, run)
  const job = jobOf(operation, facts)
  if (job !== undefined) return verdictOfJob(operation, job, run)
  const message = whyNot(facts, plan) ?? 'it is about to begin'
  return { phase: isRestoring(facts) && !plan.held ? 'Running' : 'Pending', message }
}

/** The choice is made once, and written down before anything follows from it. */
function promotionVerdict(operation: Operation, { facts, plan, now }: Run): Verdict {
  const { promote, startedAt = '' } = operation.status ?? {}
  const { name } = facts.owner.metadata
  if (promote === undefined) {
    const hindrance = whyNot(facts, plan)
    if (hindrance !== undefined) return { phase: 'Pending', message: hindrance }
    const choice = chosen(operation, facts)
    if ('obstacle' in choice) return { phase: choice.final ? 'Failed' : 'Pending', message: choice.obstacle }
    return { phase: 'Running', message: `${postgresPod(name, choice.instance)} is chosen`, promote: choice }
  }
  const { instance, from } = promote
  const words = `${postgresPod(name, instance)} in place of ${postgresPod(name, from)}`
  const next = stillToCome(promote, facts, { startedAt, now })
  return next === undefined
    ? {
        phase: 'Succeeded',
        message: `${words} is the primary; the writers store again what it lacked`,
        promote,
      }
    : { phase: 'Running', message: `${words}: waits until ${next}`, promote }
}

function whyNot(facts: Facts, { held, gates }: Plan): string | undefined {
  if (held) return 'an annotation holds the operator back: it begins without it'
  return facts.block?.message ?? obstacle(facts, gates)
}

function verdictOfJob({ spec }: Operation, job: ObservedChild, run: Run): Verdict {
  const end = jobEnd(job)
  const { name } = job.metadata
  const { doing, done } = words[spec.type === 'Restore' ? 'Restore' : 'Backup']
  if (end === undefined) return { phase: 'Running', message: `Job ${name} ${doing}` }
  const said = jobMessage(run.facts.pods, name) ?? ''
  if (!end.succeeded)
    return {
      phase: 'Failed',
      message: `Job ${name} failed: ${said || end.message}. What was there before is as it was`,
    }
  if (spec.type === 'Restore') return afterRestore(restoreIn(parsed(said)), run)
  const backup = copyIn(said)
  return {
    phase: 'Succeeded',
    message: backup === undefined ? done : `copy ${backup.name} was made and proved`,
    ...(backup && { backup }),
  }
}

const words = {
  Backup: { doing: 'makes a copy and proves it', done: 'a copy was made and proved' },
  Restore: { doing: 'restores the database beside the old one', done: 'the database is restored' },
} as const

type Restored = NonNullable<OperationStatus['restore']>

function restoreIn(told: unknown): Restored {
  const { backup, until } = isPlainObject(told) ? told : {}
  return {
    backup: typeof backup === 'string' ? backup : '',
    ...(typeof until === 'string' && until !== '' && { until }),
  }
}

/** The data is the restored one; all that uses it comes back. */
function afterRestore(before: Restored, { facts, plan, ready }: Run): Verdict {
  const restore = { ...before, ...fitOf(facts) }
  const until = restore.until === undefined ? '' : ` until ${restore.until}`
  const from = `the database is that of copy ${restore.backup} and what followed${until}`
  const isBack = ready.status === 'True' && plan.gates.migrated && facts.target.asleep.size === 0
  if (!isBack) return { phase: 'Running', message: `${from}; the rest comes back: ${ready.message}`, restore }
  return { phase: 'Succeeded', message: `${from}; ${lossOf(restore)}`, restore }
}

/** What the migration told of the positions in the log. */
function fitOf({ owner, target, pods }: Facts): Partial<Restored> {
  const said = jobMessage(pods, migrateName(owner.metadata.name, target.settings.hash)) ?? ''
  const verdict = parseVerdict(said)
  if (verdict === undefined) return {}
  const { moved, lost, countedUntil } = verdict
  return { movedPartitions: moved, lostRecords: lost, ...(countedUntil !== undefined && { countedUntil }) }
}

function lossOf({ movedPartitions, lostRecords, countedUntil }: Restored): string {
  if (lostRecords === undefined) return 'the writers go on from there'
  if (movedPartitions === 0)
    return 'the log was kept, so the writers store again what came later: 0 records are lost'
  const counted = countedUntil === undefined ? '' : ` (counted until ${countedUntil})`
  return (
    `the log is another one or begins later in ${movedPartitions} partitions, which are read from their start: ` +
    `${lostRecords} records that had been accepted are lost${counted}`
  )
}

/** What a Job told of itself; undefined for anything but JSON. */
function parsed(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

const longestClaim = 256

function changed(operation: Operation, verdict: Verdict, now: Date): Operation[] {
  const { metadata, status: before = {} } = operation
  const claim = before.requestedBy ?? metadata.annotations?.[requestedByAnnotation]
  const time = now.toISOString().replace(/\.\d+Z$/, 'Z')
  const { phase, message } = verdict
  const startedAt = before.startedAt ?? (phase === 'Pending' || phase === 'Cancelled' ? undefined : time)
  const isEnd = isOver({ status: { phase } })
  const status: OperationStatus = {
    observedGeneration: metadata.generation,
    ...verdict,
    message: message.slice(0, 4096),
    ...(claim === undefined ? {} : { requestedBy: claim.slice(0, longestClaim) }),
    ...(startedAt === undefined ? {} : { startedAt }),
    ...(isEnd && { completedAt: time }),
    conditions: stamped(findings(verdict), before.conditions ?? [], metadata.generation, now),
  }
  return canonicalText(status) === canonicalText(before) ? [] : [{ ...operation, status }]
}

/** As tools that wait for any object read them. */
function findings({ phase, message }: Verdict): Finding[] {
  const isOn = phase === 'Pending' || phase === 'Running'
  const state = (type: 'Ready' | 'Reconciling' | 'Stalled', is: boolean) =>
    (is ? holds : fails)(type, phase, message)
  return [
    state('Ready', phase === 'Succeeded'),
    state('Reconciling', isOn),
    state('Stalled', phase === 'Failed'),
  ]
}
