/** THE loop: read, decide, write, report. One run for one key; everything it needs comes in. */

import type { DataService } from '#crds/v1alpha1/resource.ts'
import type { ClusterPort, ObjectStore } from '#operator/cluster/port.ts'
import { deriveStatus, sameStatus } from '#operator/status/derive.ts'
import type { TopicsPort } from '#operator/topics/port.ts'
import type { Announce } from './announce.ts'
import { carryOut } from './carry-out.ts'
import { decide } from './decide.ts'
import { observe, type ReadPorts } from './observe.ts'
import type { Outcome } from './outcome.ts'
import { outcomeOf } from './outcome-of.ts'
import { isOutdated, noteOutdated } from './outdated.ts'
import type { Restraint } from './restraint.ts'
import { markedSecrets } from './retention.ts'

export interface Key {
  namespace: string
  name: string
}

export interface Deps extends ReadPorts {
  cluster: ClusterPort
  topics: TopicsPort
  owners: ObjectStore<DataService>
  announce: Announce
  restraint: Restraint
  now: () => Date
}

const ownWriteRecheckMs = 1_000

export async function reconcile({ namespace, name }: Key, deps: Deps): Promise<Outcome> {
  const owner = deps.owners.get(namespace, name)
  if (owner === undefined || owner.metadata.deletionTimestamp !== undefined) return { kind: 'settled' }
  if (isOutdated(deps.owners, owner))
    return { kind: 'waiting', reason: 'OwnStatusNotSeen', recheckMs: ownWriteRecheckMs }
  const facts = await observe(owner, deps) // reads only; failing here is the queue's business
  const plan = decide(facts) // pure
  const result = await carryOut(owner, plan, deps) // writes only; failures come back as data
  for (const step of plan.steps)
    if (step.do === 'apply' && step.restores && step.uid !== undefined) deps.restraint.note(step.uid)
  for (const secret of markedSecrets(plan)) deps.seenSecrets.forget(owner.metadata.uid, secret)
  const status = deriveStatus({ facts, plan, result, now: deps.now() })
  if (!sameStatus(owner.status, status)) {
    const stored = await deps.cluster.patchStatus({ ...owner, status }) // gone by now is fine
    if (stored !== undefined && stored.metadata.resourceVersion !== owner.metadata.resourceVersion)
      noteOutdated(deps.owners, owner)
    if (stored !== undefined) await deps.announce(owner, status)
  }
  return outcomeOf(plan, result, facts)
}
