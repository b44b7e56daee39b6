/** The decision: from facts to steps. Pure; the order of the steps is the order in which they are carried out. */

import { autoscalerKind, scaledObjectKind } from '#operator/desired/autoscalers.ts'
import { type DesiredChild, desiredChildren, type Stage, unwanted } from '#operator/desired/children.ts'
import { agrees, isSealedAlike, sealed } from '#operator/desired/drift.ts'
import { desiredTopics, topicChanges } from '#operator/desired/kafka-topics.ts'
import { annotationKeys, type Child, labelKeys } from '#operator/desired/labels.ts'
import type { ObservedChild } from '#operator/desired/target.ts'
import { isRenewal } from './certificates/renewal.ts'
import { bindingMark, consumerSteps, toldSteps } from './consumers/consumers.ts'
import { contested } from './contested.ts'
import { finalizerSteps, isHeldAsWanted } from './departure/finalizer.ts'
import { isClusterLost } from './engine-workload.ts'
import { type Facts, findChild, isThere } from './facts.ts'
import { type Gates, gatesOf } from './gates.ts'
import { growths } from './growth.ts'
import { isServed } from './kinds-in-use.ts'
import { hibernates } from './lifecycle/hibernates.ts'
import { replicateSteps } from './more-brokers.ts'
import { forgottenOperations, overtakenCopies } from './operations/at-work.ts'
import { replacedPrimaries } from './operations/promoting.ts'
import { isRestoring } from './operations/restoring.ts'
import { retiredSecrets } from './passwords/turns.ts'
import { type Plan, removal, removalRegardless, type Step } from './plan.ts'
import { roleLabels } from './pod-roles.ts'
import { jobEnd } from './progress.ts'
import { brokerToRestart, logAddress } from './restart-broker.ts'
import { freedPods, markSteps, outdatedMigrations, ownerMark } from './retention.ts'
import { earlyScaling, scaleSteps } from './scaling.ts'
import { restartsPods } from './upgrade/held-steps.ts'
import { keepsPods } from './upgrade/stand.ts'

export function decide(facts: Facts): Plan {
  const gates = gatesOf(facts)
  const { metadata } = facts.owner
  const isSet = (key: string): boolean => metadata.annotations?.[key] === 'true'
  const held =
    metadata.deletionTimestamp !== undefined || isSet(annotationKeys.paused) || isSet(annotationKeys.plan)
  if (held || facts.block !== undefined)
    return { held, gates, steps: held ? [] : renewals(facts), kept: [], isWhole: false, contested: [] }
  const desired = desiredChildren(facts.target)
  const due = desired
    .filter(({ kind }) => isServed(kind, facts))
    .filter(child => isDue(child.stage, gates, facts) || isToPause(child, facts))
  const isKept = (step: Step): boolean => keepsPods(facts) && restartsPods(step)
  const steps = allSteps(desired, due, facts)
  return {
    held,
    gates,
    isWhole: due.length === desired.length,
    kept: steps.filter(isKept),
    steps: steps.filter(step => !isKept(step)),
    contested: due.flatMap(child => contested(child, facts) ?? []),
  }
}

/** Certificates end also while everything else waits for a user: what runs goes on only with new ones. */
function renewals({ certificates }: Facts): Step[] {
  const due = certificates?.due
  return due !== undefined && isRenewal(due.wish, certificates?.seen) ? [due] : []
}

function allSteps(desired: readonly DesiredChild[], due: readonly DesiredChild[], facts: Facts): Step[] {
  return [
    ...finalizerSteps(facts),
    ...(facts.certificates?.due === undefined ? [] : [facts.certificates.due]),
    ...leftovers(desired, facts, atOnce).flatMap(removalRegardless),
    ...outdatedMigrations(facts),
    ...due.flatMap(child => stepsOf(child, facts)),
    ...markSteps(facts),
    ...toldSteps(facts),
    ...freedPods(facts),
    ...earlyScaling(due, facts),
    ...growths(facts).map((growth): Step => ({ do: 'grow', growth })),
    ...replicateSteps(facts),
    ...topicSteps(facts),
    ...replacedPrimaries(facts).flatMap(removalRegardless),
    ...overtakenCopies(facts).flatMap(removalRegardless),
    ...retiredSecrets(facts),
    ...consumerSteps(facts),
    ...roleLabels(facts).map(({ object, uid }) => applyStep(object, uid)),
    ...brokerToRestart(facts).flatMap(removal),
    ...endedJobs(facts),
    ...forgottenOperations(facts.operations).flatMap(removalRegardless),
    ...(due.length === desired.length
      ? leftovers(desired, facts, child => !atOnce(child)).flatMap(removal)
      : []),
  ]
}

function isDue(stage: Stage, gates: Gates, facts: Facts): boolean {
  switch (stage) {
    case 'engines':
      return true
    case 'migration':
      return (
        gates.recordAccepted &&
        gates.databaseAnswers &&
        gates.logPrepared &&
        !isWindingUp(facts) &&
        isHeldAsWanted(facts)
      )
    case 'service':
      return gates.recordAccepted && gates.migrated && gates.topicsExist
    case 'scaling':
      return gates.deployed
    default:
      return stage satisfies never
  }
}

/** Nobody uses the database any more, and it is about to end. */
const isWindingUp = (facts: Facts): boolean =>
  isRestoring(facts) || (hibernates(facts.owner) && facts.target.asleep.has('reader'))

/** A CronJob that is there is paused, and goes on, whatever else waits: its runs need a database that sleeps or is awake. */
function isToPause({ kind, object }: DesiredChild, facts: Facts): boolean {
  const observed = kind === 'CronJob' ? findChild(facts, kind, object.metadata.name) : undefined
  return observed !== undefined && (observed.spec?.['suspend'] === true) !== hibernates(facts.owner)
}

function stepsOf(child: DesiredChild, facts: Facts): Step[] {
  const { kind, object: built, write } = child
  const { name } = built.metadata
  if (write === 'create') {
    if (isThere(facts, kind, name)) return []
    const mark = kind === 'Secret' ? (ownerMark(name, facts) ?? bindingMark(name, facts)) : undefined
    return [{ do: 'create', object: built, ...(mark === undefined ? {} : { mark }) }]
  }
  const object = sealed(built)
  const observed = findChild(facts, kind, name)
  if (kind === 'Cluster' && isClusterLost(facts)) return []
  const apply = contested(child, facts) === undefined ? applySteps(object, observed) : []
  if (kind !== 'Deployment') return apply
  const scaling = scaleSteps(facts, name)
  return observed === undefined ? [...apply, ...scaling] : [...scaling, ...apply]
}

function applySteps(object: Child, observed: ObservedChild | undefined): Step[] {
  if (observed !== undefined && agrees(object, observed)) return []
  const step = applyStep(object, observed?.metadata.uid)
  return [observed !== undefined && isSealedAlike(object, observed) ? { ...step, restores: true } : step]
}

const applyStep = (object: Child, uid: string | undefined): Extract<Step, { do: 'apply' }> =>
  uid === undefined ? { do: 'apply', object } : { do: 'apply', object, uid }

function topicSteps(facts: Facts): Step[] {
  const { owner, target, topics, verdict } = facts
  if (topics.kind !== 'described' || verdict.kind !== 'accepted') return []
  const changes = topicChanges(desiredTopics(owner, target.effective), topics.topics)
  return changes.length === 0 ? [] : [{ do: 'topics', log: logAddress(facts), changes }]
}

/**
 * A migration that gave up is removed; the next run makes it anew. One that works is, too, before its database sleeps, and
 * one that has ended before another database comes, which has to be brought to what is declared.
 */
function endedJobs(facts: Facts): Step[] {
  const isEnded = (job: ObservedChild): boolean => {
    const end = jobEnd(job)
    return end === undefined ? isWindingUp(facts) : !end.succeeded || isRestoring(facts)
  }
  const isMigration = ({ metadata }: ObservedChild): boolean =>
    metadata.labels[labelKeys.component] === 'migrate'
  return facts.children
    .filter(child => child.kind === 'Job' && isMigration(child) && isEnded(child))
    .flatMap(removalRegardless)
}

/**
 * Nothing of these may be left while other things wait: an autoscaler beside another's stops both, a policy that is not
 * wanted shuts somebody out, the Job of an operation that was cancelled goes on with it, and one that looks after old
 * passwords asks a Redis that sleeps, while the database waits for its end.
 */
const atOnce = ({ kind, metadata }: ObservedChild): boolean =>
  kind === autoscalerKind ||
  kind === scaledObjectKind ||
  kind === 'NetworkPolicy' ||
  (kind === 'Job' && isStopped(metadata.labels[labelKeys.component]))

const isStopped = (component = ''): boolean => ['backup-job', 'restore', 'retire'].includes(component)

/** Others than those at once look unwanted also while what replaces them is not made yet. */
function leftovers(
  desired: readonly DesiredChild[],
  facts: Facts,
  isAmong: (child: ObservedChild) => boolean,
): ObservedChild[] {
  return unwanted(desired, facts.children).filter(child => isServed(child.kind, facts) && isAmong(child))
}
