/** THE loop: read, decide, write, report. One run for one key; everything it needs comes in. */

import type { DataService } from '#crds/v1alpha1/resource.ts'
import type { DataServiceStatus } from '#crds/v1alpha1/status.ts'
import type { Certify } from '#operator/certificates/certify.ts'
import type { ClusterPort, ObjectStore } from '#operator/cluster/port.ts'
import { certificatesName } from '#operator/desired/certificates.ts'
import type { Child } from '#operator/desired/labels.ts'
import type { ObservedChild } from '#operator/desired/target.ts'
import { deriveStatus, sameStatus } from '#operator/status/derive.ts'
import { changedOperations, orphanedOperations } from '#operator/status/operations.ts'
import type { TopicsPort } from '#operator/topics/port.ts'
import type { Announce } from './announce.ts'
import { carryOut } from './carry-out.ts'
import { isRewritten } from './contested.ts'
import { decide } from './decide.ts'
import { depart } from './depart.ts'
import { isHeld } from './departure/finalizer.ts'
import type { Facts } from './facts.ts'
import { isUnread } from './kinds-in-use.ts'
import { observe, type ReadPorts } from './observe.ts'
import { type Copy, lastCopy } from './operations/last-copy.ts'
import type { Outcome } from './outcome.ts'
import { outcomeOf } from './outcome-of.ts'
import { isOutdated, noteOutdated } from './outdated.ts'
import { noteStored } from './own-secrets.ts'
import type { Patience } from './patience.ts'
import type { Plan } from './plan.ts'
import type { Restraint } from './restraint.ts'
import type { Rests } from './rests.ts'
import { changedSecrets } from './retention.ts'
import type { Turnstile } from './upgrade/turnstile.ts'
import { progressOf } from './upgrade/upgrade.ts'

export interface Key {
  namespace: string
  name: string
}

export interface Deps extends ReadPorts {
  cluster: ClusterPort
  topics: TopicsPort
  certify: Certify
  owners: ObjectStore<DataService>
  announce: Announce
  restraint: Restraint
  patience: Patience
  rests: Rests
  /** Hears of the newest copy after each run; undefined: there is none, or the DataService is gone. */
  onCopy?: (key: Key, copy: Copy | undefined) => void
  turns: Turnstile
  now: () => Date
}

async function tellOperations(
  { facts, plan, status }: { facts: Facts; plan: Plan; status: DataServiceStatus },
  { cluster, now }: Pick<Deps, 'cluster' | 'now'>,
): Promise<void> {
  const ready = status.conditions?.find(({ type }) => type === 'Ready') ?? unknown
  for (const operation of changedOperations({ facts, plan, ready, now: now() }))
    await cluster.patchStatus(operation)
}

/** Operations may be declared before what they concern, and stay after it. */
async function withoutOwner(
  { namespace, name }: Key,
  { operations, cluster, now, onCopy, patience, rests, hearing }: Deps,
): Promise<Outcome> {
  patience.forget(`${namespace}/${name}`)
  rests.forget(`${namespace}/${name}`)
  hearing.forget(`${namespace}/${name}`)
  onCopy?.({ namespace, name }, undefined)
  const known = operations.list(namespace, ({ spec }) => spec.dataService === name)
  for (const operation of orphanedOperations(known, now())) await cluster.patchStatus(operation)
  return { kind: 'settled' }
}

const ownWriteRecheckMs = 1_000
/** It is told at once when the API server answers. */
const unread: Outcome = { kind: 'waiting', reason: 'KindsNotRead', recheckMs: 10_000 }
const unknown = { status: 'Unknown', message: '' } as const

export async function reconcile({ namespace, name }: Key, deps: Deps): Promise<Outcome> {
  const owner = deps.owners.get(namespace, name)
  if (owner === undefined || owner.metadata.deletionTimestamp !== undefined)
    deps.turns.leave(`${namespace}/${name}`)
  if (owner === undefined) return withoutOwner({ namespace, name }, deps)
  return owner.metadata.deletionTimestamp === undefined ? converge(owner, deps) : leave(owner, deps)
}

/** Garbage collection takes what is ours; what is elsewhere is taken away first. */
async function leave(owner: DataService, deps: Deps): Promise<Outcome> {
  if (!isHeld(owner)) return { kind: 'settled' }
  const facts = await observe(owner, deps)
  return isUnread(facts) ? unread : depart(facts, deps)
}

async function converge(owner: DataService, deps: Deps): Promise<Outcome> {
  const { namespace, name } = owner.metadata
  if (isOutdated(deps.owners, owner))
    return { kind: 'waiting', reason: 'OwnStatusNotSeen', recheckMs: ownWriteRecheckMs }
  const facts = await observe(owner, deps) // reads only; failing here is the queue's business
  if (isUnread(facts)) return unread
  const before = deps.rests.outcome(facts)
  if (before !== undefined) return before
  const plan = decide(facts) // pure
  for (const secret of changedSecrets(plan)) deps.seenSecrets.forget(owner.metadata.uid, secret)
  const onStored = (stored: ObservedChild, sent: Child): void => {
    noteStored(owner, stored, deps.seenSecrets)
    if (stored.metadata.uid !== undefined && isRewritten(sent, stored))
      deps.restraint.hold(stored.metadata.uid)
  }
  const result = await carryOut(owner, plan, { ...deps, onStored }) // writes only; failures come back as data
  for (const step of plan.steps)
    if (step.do === 'apply' && step.restores && step.uid !== undefined) deps.restraint.note(step.uid)
  if (plan.steps.some(step => step.do === 'certify'))
    deps.seenSecrets.forget(owner.metadata.uid, certificatesName(name))
  const visitor = `${namespace}/${name}`
  const progress = progressOf(facts, plan, first => deps.turns.enter(visitor, { first }))
  const status = deriveStatus({ facts, plan, result, now: deps.now(), progress })
  const outcome = outcomeOf(plan, result, facts)
  const lookMs = await reported(owner, { status, outcome }, deps)
  await tellOperations({ facts, plan, status }, deps)
  deps.onCopy?.({ namespace, name }, lastCopy(facts))
  if (lookMs !== undefined) return soonerAgain(outcome, lookMs)
  const isInLine = progress.kind === 'waiting' || status.upgrade?.phase === 'Rolling'
  if (!isInLine) deps.turns.leave(visitor)
  deps.rests.note(facts, { plan, result, outcome })
  return outcome
}

/** Answers after how many milliseconds a status that was not written should be looked at again. */
async function reported(
  owner: DataService,
  { status, outcome }: { status: DataServiceStatus; outcome: Outcome },
  deps: Deps,
): Promise<number | undefined> {
  const key = `${owner.metadata.namespace}/${owner.metadata.name}`
  const isSame = sameStatus(owner.status, status)
  const waits = !isSame && (outcome.kind === 'settled' || outcome.kind === 'waiting')
  const waitMs = waits ? deps.patience.waitMs(key, owner.status, status) : undefined
  if (waitMs !== undefined) return waitMs
  deps.patience.forget(key)
  if (!isSame) await stored(owner, status, deps)
  return undefined
}

async function stored(owner: DataService, status: DataServiceStatus, deps: Deps): Promise<void> {
  const written = await deps.cluster.patchStatus({ ...owner, status }) // gone by now is fine
  if (written === undefined) return
  if (written.metadata.resourceVersion !== owner.metadata.resourceVersion) noteOutdated(deps.owners, owner)
  await deps.announce.changes(owner, status)
}

const soonerAgain = (outcome: Outcome, lookMs: number): Outcome =>
  outcome.kind === 'settled' || outcome.kind === 'waiting'
    ? { ...outcome, recheckMs: Math.min(outcome.recheckMs ?? lookMs, lookMs) }
    : outcome
