/**
 * Which parts should have no pods now: those of a service that hibernates, one after the other, and those that have not
 * been woken yet. It follows from what is there, so that an operator that starts in the middle goes on. Pure.
 *
 * To sleep: the gateway, so that nothing is accepted any more; the writer, once everything is stored; the reader, Redis,
 * Postgres; Kafka last. Awake: the other way round, each when the one before it is ready.
 */

import type { DataService } from '#crds/v1alpha1/resource.ts'
import { labelKeys } from '#operator/desired/labels.ts'
import {
  type DeployedPart,
  deployedParts,
  engineParts,
  type Part,
  partName,
} from '#operator/desired/names.ts'
import { type ObservedChild, partsOfSleep } from '#operator/desired/target.ts'
import { engineWorkload } from '../engine-workload.ts'
import { type Facts, type FlushFacts, findChild } from '../facts.ts'
import type { Gates } from '../gates.ts'
import { isRestoring, type KnownOperation, mayBeWritten } from '../operations/restoring.ts'
import { hasEnded, podProgress } from '../progress.ts'
import { hibernates } from './hibernates.ts'

type Known = Pick<Facts, 'owner' | 'children' | 'pods'>
type Seen = Known & KnownOperation & { flush: FlushFacts }

export function asleepParts(seen: Seen, gates: Gates): ReadonlySet<Part> {
  const asleep = new Set<Part>(wishedAsleep(seen, gates))
  // However a restore ends, and whatever is asked for meanwhile: two must not have that volume open.
  if (mayBeWritten(seen) && liesAsleep('postgres', seen)) asleep.add('postgres')
  return asleep
}

function wishedAsleep(seen: Seen, gates: Gates): Part[] {
  if (hibernates(seen.owner)) return fallingAsleep(seen)
  return isRestoring(seen) ? leavingDatabase(seen) : notWoken(seen, gates)
}

/** Whoever uses the database, and what is kept of it in memory. The gateway goes on: what it accepts waits in the log. */
const usersOfDatabase = ['writer', 'reader', 'redis', 'postgres'] as const satisfies Part[]

/** As to sleep, but nothing has to be stored before: the writers read it again. */
function leavingDatabase(seen: Seen): Part[] {
  const asleep: Part[] = usersOfDatabase.filter(part => liesAsleep(part, seen))
  for (const part of usersOfDatabase) {
    if (!asleep.includes(part)) asleep.push(part)
    if (!isGone(part, seen)) break
  }
  return asleep
}

/** Each part after the pods of the one before have gone; what sleeps already is not woken by a pod that others start. */
function fallingAsleep(seen: Seen): Part[] {
  const asleep: Part[] = isPutToSleep(seen) ? partsOfSleep.filter(part => liesAsleep(part, seen)) : []
  for (const part of partsOfSleep) {
    if (!mayGo(part, seen)) break
    asleep.push(part)
    if (!isGone(part, seen)) break
  }
  return asleep
}

function mayGo(part: Part, seen: Seen): boolean {
  if (part === 'writer') return isStored(seen.flush) || isPutToSleep(seen) || isNeverServed(seen)
  if (part === 'postgres') return !seen.pods.some(isWorkingJob)
  return true
}

const isStored = (flush: FlushFacts): boolean => flush.kind === 'seen' && flush.behind.length === 0

/** What it was put to sleep with is kept, so all that was accepted had been stored then, and no gateway ran since. */
export function isPutToSleep(known: Known): boolean {
  const writer = workloadOf('writer', known)
  if (keptNumber('writer', known.owner) === undefined) return false
  return writer === undefined || podProgress(writer).wanted === 0 || liesAsleep('postgres', known)
}

/** No gateway of this resource ever ran: there is nothing of it to store. */
export function isNeverServed(known: Known): boolean {
  const deployed = deployedParts.some(part => workloadOf(part, known) !== undefined)
  return !deployed && known.owner.status?.schemaVersion === undefined
}

/** Nothing of it runs, ends, or is about to start. */
export function isGone(part: Part, known: Known): boolean {
  const workload = workloadOf(part, known)
  if (podsOf(part, known).length > 0) return false
  if (workload === undefined) return true
  const { wanted, existing, current } = podProgress(workload)
  return wanted === 0 && existing === 0 && current
}

/** Pods of a part that are there, those that are ending too. */
export const podsOf = (
  part: Part | 'backup' | 'backup-s3' | 'backup-job',
  { pods }: Pick<Facts, 'pods'>,
): ObservedChild[] => pods.filter(({ metadata }) => metadata.labels[labelKeys.component] === part)

/** A run of one of our programs that has the database open. */
const isWorkingJob = (pod: ObservedChild): boolean =>
  ['migrate', 'maintain', 'retire'].includes(pod.metadata.labels[labelKeys.component] ?? '') && !hasEnded(pod)

function notWoken(seen: Seen, gates: Gates): Part[] {
  const asleep: Part[] = []
  let isBlocked = false
  for (const part of partsOfSleep.toReversed()) {
    // What the pods are to be made of: of a record that cannot be used nothing is rolled out, and the old stays good.
    if (part === 'reader') isBlocked ||= gates.recordAccepted && !(gates.migrated && gates.topicsExist)
    if (isBlocked && liesAsleep(part, seen)) asleep.push(part)
    isBlocked ||= !isAwake(part, seen)
  }
  return asleep
}

/** It has no pods because it was put to sleep. A user's own 0 is told by nothing being kept. */
function liesAsleep(part: Part, known: Known): boolean {
  const workload = workloadOf(part, known)
  if (workload === undefined || podProgress(workload).wanted > 0) return false
  return !isDeployed(part) || keptNumber(part, known.owner) !== undefined
}

function isAwake(part: Part, known: Known): boolean {
  if (isOfOthers(part, known.owner)) return true
  const workload = workloadOf(part, known)
  if (workload === undefined || (isDeployed(part) && keptNumber(part, known.owner) !== undefined))
    return false
  const { wanted, ready, current } = podProgress(workload)
  return isDeployed(part) ? wanted === 0 || (current && ready > 0) : current && wanted > 0 && ready >= wanted
}

/** What others run neither sleeps nor wakes with us. */
const isOfOthers = (part: Part, { status }: DataService): boolean =>
  engineParts.some(
    engine => engine === part && ['external', 'strimzi'].includes(status?.providers?.[engine] ?? ''),
  )

/** The number of pods that a part had when it was put to sleep, until it has pods again. */
export const keptNumber = (part: DeployedPart, { status }: DataService): number | undefined =>
  status?.hibernation?.replicas[part]

const isDeployed = (part: Part): part is DeployedPart => deployedParts.some(each => each === part)

export function workloadOf(part: Part, known: Known): ObservedChild | undefined {
  if (!isDeployed(part)) return engineWorkload(known, part)
  return findChild(known, 'Deployment', partName(known.owner.metadata.name, part))
}
