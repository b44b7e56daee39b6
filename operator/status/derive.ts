/** The status of a DataService, derived once at the end of a run from what was seen and done. Pure. */
import { kindOf } from '#crds/v1alpha1/conditions.ts'
import type { Condition, DataServiceStatus } from '#crds/v1alpha1/status.ts'
import { askedKinds } from '#operator/desired/children.ts'
import { chosenName, isThere } from '#operator/desired/class-choice.ts'
import { canonicalText } from '#operator/desired/hash.ts'
import { signerOf } from '#operator/desired/hop-modes.ts'
import { annotationKeys, selectorLabels, selectorText } from '#operator/desired/labels.ts'
import { partName, serviceHost } from '#operator/desired/names.ts'
import type { Result } from '#operator/reconcile/carry-out.ts'
import { allContested, isInVain } from '#operator/reconcile/contested.ts'
import { type Facts, findChild } from '#operator/reconcile/facts.ts'
import { firstKindTrouble, rememberedKinds } from '#operator/reconcile/kinds-in-use.ts'
import { keptNumbers } from '#operator/reconcile/lifecycle/numbers.ts'
import type { Plan, Step } from '#operator/reconcile/plan.ts'
import { previewOf } from '#operator/reconcile/preview/preview.ts'
import { previewLines } from '#operator/reconcile/preview/text.ts'
import { podProgress } from '#operator/reconcile/progress.ts'
import { configHashOf, isHeldBack } from '#operator/reconcile/roll-order.ts'
import { isPassing, isProven } from '#operator/reconcile/upgrade/proof.ts'
import { isChanged, type Progress, type State, upgradeStatus } from '#operator/reconcile/upgrade/upgrade.ts'
import { writerScaling, writersByLag } from '#operator/reconcile/writers/scaling.ts'
import { backupReady } from './backup-ready.ts'
import { classReady } from './class-ready.ts'
import { type Finding, fails, holds, stamped } from './conditions.ts'
import { consumersIn, consumersReady } from './consumers.ts'
import { withContested } from './contested.ts'
import { durable } from './durable.ts'
import { encrypted } from './encrypted.ts'
import { endToEnd, isOff, isStuck } from './end-to-end.ts'
import { isHibernated, onTheWay } from './hibernation.ts'
import { logRoom } from './log-room.ts'
import { maintained } from './maintained.ts'
import { partRules } from './parts.ts'
import { passwordsRotated } from './passwords.ts'
import { rootCause, rootReason, withCauses } from './root-cause.ts'
import { scaling } from './scaling.ts'
import { upgraded } from './upgraded.ts'

export interface Run {
  facts: Facts
  plan: Plan
  result: Result
  now: Date
  progress: Progress
}

export function deriveStatus(run: Run): DataServiceStatus {
  const { facts, now } = run
  const { metadata, status: before } = facts.owner
  const { namespace, name, generation } = metadata
  const gateway = findChild(facts, 'Deployment', partName(name, 'gateway'))
  const schemaVersion = schemaVersionOf(run) ?? before?.schemaVersion
  const kept = keptNumbers(facts)
  const kinds = rememberedKinds(facts)
  const writer = writerScaling(facts)
  const found = findings(run)
  const upgrade = upgradeStatus(run.progress, facts, upgradeState(run, found))
  // In the run that ends an upgrade it is not known before that it does.
  const said = found.filter(({ type }) => type !== 'Upgraded' || upgrade.upgrade !== undefined)
  return {
    observedGeneration: generation,
    conditions: stamped(said, before?.conditions ?? [], generation, now),
    ...upgrade,
    replicas: gateway === undefined ? 0 : podProgress(gateway).existing,
    selector: selectorText(selectorLabels(name, 'gateway')),
    endpoints: { gateway: `http://${serviceHost(partName(name, 'gateway'), namespace)}` },
    ...(Object.keys(kept).length > 0 && { hibernation: { replicas: kept } }),
    ...(writer && Object.keys(writer).length > 0 && { scaling: { writer } }),
    ...recordOf(run),
    ...(schemaVersion === undefined ? {} : { schemaVersion }),
    ...(kinds.length > 0 && { kindsOfOthers: kinds }),
  }
}

/** What later runs have to know; where nothing may be written it stays what it was. */
function recordOf({ facts, plan }: Run): DataServiceStatus {
  const { owner, block, choice } = facts
  const before = owner.status
  const isWritten = block === undefined && !plan.held
  const className = isThere(choice) && !plan.held ? chosenName(choice) : before?.className
  const providers = isWritten ? recordedProviders(facts) : before?.providers
  const security = isWritten ? securityOf(facts) : before?.security
  const consumers = block === undefined ? consumersIn(facts) : before?.consumers
  return {
    ...(className !== undefined && { className }),
    ...(providers && { providers }),
    ...(security && { security }),
    ...(consumers && { consumers }),
  }
}

/** What does not exist because nobody serves its kind may still become another one's. */
function recordedProviders({ owner, target, serving }: Facts): DataServiceStatus['providers'] {
  const known = owner.status?.providers
  const kinds = askedKinds(target).filter(kind => engineKinds.includes(kind))
  const isMade = firstKindTrouble({ target, serving }, kinds) === undefined
  return known ?? (isMade ? target.effective.providers : undefined)
}

const engineKinds: readonly string[] = ['KafkaTopic', 'KafkaUser', 'Cluster']

const upgradeState = ({ facts, plan, now }: Run, found: readonly Finding[]): State => ({
  isReady: found.some(({ type, status }) => type === 'Ready' && status === 'True'),
  isDone: plan.isWhole && !plan.steps.some(step => moves(step, facts)),
  isPassing: isPassing(facts),
  // One that is scaled to zero meanwhile proves nothing any more.
  isProven: isProven(facts, now) || isOff(facts),
  now,
})

/** The authority stays in mind when the Secret that tells it is gone. */
function securityOf({ owner, target, certificates }: Facts): DataServiceStatus['security'] {
  const authority = certificates?.seen?.issuer ?? owner.status?.security?.authority
  const { tls } = target.effective
  const isOurs = signerOf(target.effective) === 'operator'
  return { tls, ...(isOurs && authority !== undefined && { authority }) }
}

/** The version that all gateways take records to be of; stays while a newer one is on its way to them. */
function schemaVersionOf({ facts }: Run): string | undefined {
  const { owner, target, verdict } = facts
  const gateway = findChild(facts, 'Deployment', partName(owner.metadata.name, 'gateway'))
  if (gateway === undefined || verdict.kind !== 'accepted' || isHeldBack(target.settings)) return undefined
  const { existing, updated, current } = podProgress(gateway)
  const isRolled = configHashOf(gateway) === target.settings.gateway.hash && current && existing === updated
  return isRolled ? verdict.record.schemaVersion : undefined
}

function findings(run: Run): Finding[] {
  const { facts, plan, now } = run
  const parts = partRules.map(rule => rule(facts, plan))
  const stalled = stalledFinding(run, parts)
  const wholeWay = endToEnd(facts)
  const found = { parts, wholeWay, stalled }
  const ready = withContested(readyFinding(run, found), allContested(plan, facts), facts.owner)
  return [
    ready,
    reconciling(run, ready, stalled),
    stalled,
    ...pausedFinding(facts),
    ...plannedFinding(facts),
    ...upgraded(run.progress, facts),
    classReady(facts),
    ...withCauses(parts, facts),
    lastKnown(facts, wholeWay),
    lastKnown(facts, scaling(facts)),
    logRoom(facts),
    maintained(facts, now),
    ...backupReady(facts, now).map(finding => lastKnown(facts, finding)),
    ...consumersReady(facts).map(finding => lastKnown(facts, finding)),
    encrypted(facts, now),
    ...passwordsRotated(facts).map(finding => lastKnown(facts, finding)),
    lastKnown(facts, durable(facts)),
  ]
}

interface Found {
  parts: readonly Finding[]
  /** Of probe records. */
  wholeWay: Finding
  stalled: Finding
}

function readyFinding(run: Run, { parts, wholeWay, stalled }: Found): Finding {
  const { facts, plan, result } = run
  if (stalled.status === 'True') return fails('Ready', stalled.reason, stalled.message)
  const [wait] = upgraded(run.progress, facts)
  if (wait !== undefined && plan.kept.length > 0 && isChanged(facts))
    return fails('Ready', wait.reason, `what changed in the spec restarts pods; ${wait.message}`)
  if (isHibernated(facts) && result.failures.length === 0)
    return holds(
      'Ready',
      'Hibernated',
      'nothing runs; volumes and Secrets stay, and spec.lifecycle Running wakes it',
    )
  const way = onTheWay(facts, parts)
  if (way !== undefined && result.failures.length === 0) return way
  const cause = rootCause(parts, facts)
  if (cause !== undefined) return fails('Ready', cause.reason, cause.message)
  const [failure] = result.failures
  if (failure !== undefined) return fails('Ready', 'ApplyFailed', failure.message)
  if (plan.steps.some(step => moves(step, facts)))
    return fails('Ready', 'Progressing', 'changes were just written and are rolling out')
  // Last: what a part says of itself is nearer to the cause.
  if (isStuck(wholeWay)) return fails('Ready', wholeWay.reason, `${wholeWay.type}: ${wholeWay.message}`)
  const gateway = parts.find(({ type }) => type === 'GatewayReady')
  if (gateway?.reason === 'ScaledToZero')
    return holds('Ready', 'ScaledToZero', 'the HTTP side is scaled to zero; data is untouched')
  return holds('Ready', 'Ready', 'all parts are ready')
}

const workloads = ['Deployment', 'StatefulSet', 'Cluster', 'Job']

/** Steps whose effect the pods show only later. A Service or a label that is put back moves nothing. */
function moves(step: Step, facts: Facts): boolean {
  if (step.do === 'apply' && isInVain(step, facts)) return false
  if (step.do === 'apply' || step.do === 'create') return workloads.includes(step.object.kind)
  if (step.do === 'scale') return !isOfWriters(step, facts) || writersByLag(facts) === undefined
  return step.do !== 'remove' && step.do !== 'certify' && step.do !== 'access'
}

const isOfWriters = ({ name }: { name: string }, { owner }: Facts): boolean =>
  name === partName(owner.metadata.name, 'writer')

/** Failures that no repetition mends, the gravest first. */
const needsUser = [
  ['notOwned', 'NotOwned'],
  ['notExpandable', 'StorageNotExpandable'],
  ['invalid', 'InvalidObject'],
] as const

/** What follows from a class or a change that cannot be used is not known; what was said before still holds. */
function lastKnown({ owner, block }: Facts, finding: Finding): Finding {
  if (block === undefined) return finding
  const before = owner.status?.conditions?.find(({ type }) => type === finding.type)
  return before === undefined ? finding : { ...finding, ...pick(before) }
}

const pick = ({ status, reason, message }: Condition) => ({ status, reason, message })

/** Only what a user must change. */
function stalledFinding({ facts, result }: Run, parts: readonly Finding[]): Finding {
  if (facts.block !== undefined) return holds('Stalled', facts.block.reason, facts.block.message)
  if (facts.verdict.kind === 'refused') {
    const problems = facts.verdict.problems.map(({ pointer, message }) => `spec.record${pointer}: ${message}`)
    return holds('Stalled', 'RecordRefused', `${problems.join('; ')}. Nothing of it was rolled out`)
  }
  for (const [cause, reason] of needsUser) {
    const failure = result.failures.find(found => found.cause === cause)
    if (failure !== undefined) return holds('Stalled', reason, failure.message)
  }
  const trouble = firstKindTrouble(facts)
  if (trouble !== undefined) return holds('Stalled', trouble.reason, trouble.message)
  const blocked = parts.find(({ status, reason }) => status !== 'True' && kindOf(reason) === 'user')
  if (blocked !== undefined)
    return holds('Stalled', rootReason(blocked), `${blocked.type}: ${blocked.message}`)
  return fails('Stalled', 'Healthy', 'nothing needs a user')
}

function reconciling({ plan }: Run, ready: Finding, stalled: Finding): Finding {
  if (plan.held)
    return fails('Reconciling', 'PausedByAnnotation', 'the operator writes nothing while it is held')
  if (stalled.status === 'True') return fails('Reconciling', stalled.reason, 'waiting for a user')
  if (ready.status === 'True') return fails('Reconciling', 'Settled', 'the spec is reached')
  return holds('Reconciling', ready.reason, ready.message)
}

const isSet = ({ owner }: Facts, key: string): boolean => owner.metadata.annotations?.[key] === 'true'

function pausedFinding(facts: Facts): Finding[] {
  const message = 'annotation dataservice.dev/paused is true: remove it to go on'
  return isSet(facts, annotationKeys.paused) ? [holds('Paused', 'PausedByAnnotation', message)] : []
}

/** What would follow if the annotation went. */
function plannedFinding(facts: Facts): Finding[] {
  if (!isSet(facts, annotationKeys.plan)) return []
  const lines = previewLines(previewOf(facts)).join('; ')
  return [holds('Planned', 'PlanOnly', `without the annotation dataservice.dev/plan: ${lines}`)]
}

/** Equal but for the order of keys: then nothing is written. */
export function sameStatus(left: DataServiceStatus | undefined, right: DataServiceStatus): boolean {
  return left !== undefined && canonicalText(withSorted(left)) === canonicalText(withSorted(right))
}

const withSorted = (status: DataServiceStatus): DataServiceStatus => ({
  ...status,
  conditions: (status.conditions ?? []).toSorted((a: Condition, b: Condition) => (a.type < b.type ? -1 : 1)),
})
